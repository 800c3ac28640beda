import { describe, expect, it } from 'vitest'
import type { PaymentStatus } from '#contracts/states.ts'
import type { Authorization } from './authorization.ts'
import { statusOf, sumsOf } from './payment-status.ts'

const authorization = (change: Partial<Authorization> = {}): Authorization => ({
  id: 'a',
  request: 1,
  sequence: 1,
  shipmentId: null,
  carriesShipping: true,
  renews: null,
  amount: 100,
  paymentMethod: 'pm_card_visa',
  standing: 'current',
  status: 'authorized',
  code: null,
  captured: 0,
  refunded: 0,
  released: 0,
  disputed: 0,
  chargedBack: 0,
  releaseRequested: false,
  expired: false,
  providerId: 'auth_1',
  brand: null,
  last4: null,
  actionUrl: null,
  createdAt: new Date(0),
  expiresAt: null,
  ...change,
})

type Case = [PaymentStatus, string, Partial<Authorization>[], { tombstone?: boolean; amount?: number }?]

const CASES: Case[] = [
  ['created', 'nothing yet', []],
  ['created', 'asked for', [{ status: 'created' }]],
  ['created', 'declined: another method may come', [{ status: 'declined', code: 'card_declined' }]],
  ['requires_action', 'the customer must approve it', [{ status: 'requires_action' }]],
  ['created', 'given up for another method', [{ status: 'requires_action', standing: 'superseded' }]],
  ['not_required', 'nothing to pay', [], { amount: 0 }],
  ['not_required', 'an amendment that is not decided', [{ standing: 'candidate' }], { amount: 0 }],
  ['authorized', 'authorized', [{}]],
  ['processing', 'one parcel of two so far', [{}, { status: 'created' }]],
  ['requires_action', 'one parcel of two must be approved', [{}, { status: 'requires_action' }]],
  [
    'voided',
    'given up between two parcels',
    [{ released: 100, status: 'voided' }, { status: 'created' }],
    {
      tombstone: true,
    },
  ],
  ['authorized', 'one of two parcels given up', [{ released: 100, status: 'voided' }, {}]],
  ['authorized', 'voided, not released yet', [{}], { tombstone: true }],
  ['authorized', 'the new one beside the old one', [{ standing: 'superseded' }, {}]],
  ['voided', 'released', [{ released: 100, status: 'voided' }], { tombstone: true }],
  ['voided', 'nothing was ever asked for', [], { tombstone: true }],
  ['voided', 'asked for in vain', [{ status: 'declined', code: 'not_executed' }], { tombstone: true }],
  ['voided', 'not approved in time', [{ status: 'voided' }], { tombstone: true }],
  ['failed', 'declined and over', [{ status: 'declined', code: 'card_declined' }], { tombstone: true }],
  ['expired', 'ran out', [{ status: 'expired', expired: true, released: 100 }]],
  ['voided', 'ran out and over', [{ status: 'expired', expired: true, released: 100 }], { tombstone: true }],
  ['partially_captured', 'a part', [{ captured: 40 }]],
  ['captured', 'all', [{ captured: 100 }]],
  ['captured', 'a part, the rest released', [{ captured: 40, released: 60 }]],
  [
    'partially_captured',
    'ran out after a part, authorized anew',
    [{ captured: 40, released: 60, expired: true, standing: 'superseded' }, { amount: 60 }],
  ],
  ['partially_refunded', 'a part given back', [{ captured: 100, refunded: 1 }]],
  ['partially_refunded', 'all given back so far, more may be captured', [{ captured: 40, refunded: 40 }]],
  [
    'partially_refunded',
    'all given back, the rest ran out and may be renewed',
    [{ captured: 40, refunded: 40, released: 60, expired: true }],
  ],
  ['refunded', 'all given back', [{ captured: 100, refunded: 100 }]],
  [
    'refunded',
    'a part captured and given back, the rest released',
    [{ captured: 40, refunded: 40, released: 60 }],
  ],
  ['captured', 'disputed: nothing is decided', [{ captured: 100, disputed: 100 }]],
  ['refunded', 'taken back by the bank', [{ captured: 100, refunded: 30, chargedBack: 70 }]],
]

describe('statusOf', () => {
  it.each(CASES)('is %s: %s', (status, _what, parts, { tombstone = false, amount = 100 } = {}) => {
    expect(statusOf({ amount, tombstone, authorizations: parts.map(authorization) })).toBe(status)
  })
})

describe('sumsOf', () => {
  it('counts what was superseded with what it captured, and a candidate not at all', () => {
    const authorizations = [
      authorization({ standing: 'superseded', captured: 40, released: 60, refunded: 10 }),
      authorization({ amount: 60, released: 5, disputed: 0 }),
      authorization({ standing: 'candidate', amount: 500 }),
      authorization({ status: 'declined', amount: 700 }),
      authorization({ captured: 100, disputed: 20, chargedBack: 30 }),
    ]
    expect(sumsOf(authorizations)).toEqual({
      authorized: 40 + 60 + 100,
      captured: 140,
      refunded: 10,
      released: 5,
      disputed: 50,
    })
  })
})
