import { describe, expect, it } from 'vitest'
import { Order } from '#contracts/http/orders.ts'
import { ORDER, statesOf, type ReturnStatus, type ShipmentStatus } from '#contracts/states.ts'
import { parser } from '#platform/validation.ts'
import { ADDRESS } from '#tests/support/orders.ts'
import { presentOrder } from './present-order.ts'
import type { OrderRow, ReturnRow, ShipmentRow } from './rows.ts'

const id = (last: number) => `00000000-0000-4000-8000-00000000000${last}`
const parseOrder = parser('the order', Order)

const row = (changes: Partial<OrderRow> = {}): OrderRow => ({
  id: id(1),
  number: 'M-100001',
  customer_id: id(2),
  status: 'placed',
  reason_code: null,
  reason_message: null,
  currency: 'EUR',
  subtotal: 300n,
  tax: 63n,
  shipping: 490n,
  total: 853n,
  shipping_address: ADDRESS,
  attention: null,
  concerned: false,
  cancel_accepted: false,
  waiting_for: null,
  version: 1,
  created_at: new Date(0),
  updated_at: new Date(1),
  lines: [
    { sku: 'A', name: 'a', quantity: 2, unit_price: 50, total: 100, tax: 21 },
    { sku: 'A', name: 'a', quantity: 3, unit_price: 50, total: 150, tax: 32 },
    { sku: 'B', name: 'b', quantity: 1, unit_price: 50, total: 50, tax: 10 },
  ],
  payment: null,
  shipments: [],
  returns: [],
  lost_parcels: [],
  ...changes,
})

const attention = { step: 's', operation: 'o', error: 'e', attempts: 1, since: new Date(0).toISOString() }
const NOW = new Date('2026-02-01T00:00:00.000Z')
const parcel = (
  status: ShipmentStatus,
  lines: [string, number][] = [],
  returnable = '2026-02-02T00:00:00.000Z',
): ShipmentRow => ({
  returnable_until: status === 'delivered' ? returnable : null,
  id: id(3),
  warehouse: 'AMS',
  status,
  lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
  carrier: null,
  tracking_number: 'T-1',
  history: [{ status, at: new Date(2).toISOString() }],
})

const going = (status: ReturnStatus): ReturnRow => ({
  id: id(4),
  order_id: id(1),
  status,
  lines: [{ sku: 'A', quantity: 1, reason: 'why not' }],
  goods: null,
  shipping: null,
  refunded: null,
  left: null,
})

describe('presentOrder', () => {
  it('is what the contract says, for a new order and for one with everything', () => {
    const payment = {
      status: 'captured',
      authorized: 9,
      captured: 9,
      refunded: 1,
      brand: 'visa',
      last4: '4242',
    } as const
    const whole = row({
      attention,
      payment,
      shipments: [parcel('dispatched', [['A', 1]])],
      reason_code: 'fraud',
    })
    expect(() => parseOrder(presentOrder(row()))).not.toThrow()
    expect(() => parseOrder(presentOrder(whole))).not.toThrow()
    expect(presentOrder(whole)).toMatchObject({
      needsAttention: true,
      waitingFor: { what: 'operator', until: null },
      statusReason: { code: 'fraud', message: '' },
      payment: { status: 'captured', captured: 9, refunded: 1, method: { brand: 'visa', last4: '4242' } },
      shipments: [{ id: id(3), orderId: id(1), trackingNumber: 'T-1' }],
      createdAt: '1970-01-01T00:00:00.000Z',
    })
  })

  it.each([
    ['rejected', 'voided'],
    ['cancelled', 'voided'],
    ['reserving', 'created'],
  ] as const)(
    'says of an order that is %s and never asked for money that its payment is %s',
    (status, shown) => {
      expect(presentOrder(row({ status, payment: null })).payment.status).toBe(shown)
    },
  )

  it('counts units that have left against the lines of their product in order', () => {
    const fulfilled = (...shipments: ShipmentRow[]) =>
      presentOrder(row({ shipments })).lines.map((line) => line.fulfilled)
    expect(fulfilled(parcel('pending', [['A', 5]]), parcel('booked', [['B', 1]]))).toEqual([0, 0, 0])
    expect(fulfilled(parcel('dispatched', [['A', 3]]))).toEqual([2, 1, 0])
    expect(
      fulfilled(
        parcel('delivered', [['A', 3]]),
        parcel('lost', [
          ['A', 2],
          ['B', 1],
        ]),
      ),
    ).toEqual([2, 1, 0])
    expect(fulfilled(parcel('cancelled', [['A', 5]]))).toEqual([0, 0, 0])
  })

  it.each<[string, ShipmentStatus[]]>([
    ['none', []],
    ['none', ['cancelled']],
    ['in_progress', ['pending', 'booked']],
    ['partially_dispatched', ['dispatched', 'booked']],
    ['partially_dispatched', ['delivered', 'pending']],
    ['dispatched', ['dispatched', 'delivered', 'cancelled']],
    ['dispatched', ['dispatched', 'lost']],
    ['in_progress', ['lost', 'booked']],
    ['delivered', ['delivered', 'lost']],
    ['none', ['lost']],
    ['none', ['lost', 'cancelled']],
    ['delivered', ['delivered', 'delivered', 'cancelled']],
  ])('says %s when the parcels are %j', (status, parcels) => {
    const shipments = parcels.map((one) => parcel(one))
    expect(presentOrder(row({ shipments })).fulfilment.status).toBe(status)
  })

  it('counts units that came back', () => {
    const back = (status: ReturnStatus) => ({
      id: id(4),
      order_id: id(1),
      status,
      lines: [{ sku: 'A', quantity: 3, reason: 'too small' }],
      goods: 100,
      shipping: 20,
      refunded: null,
      left: null,
    })
    const shown = presentOrder(row({ returns: [back('received'), back('approved')] }))
    expect(shown.lines.map((line) => line.returned)).toEqual([2, 1, 0])
    expect(shown.returns).toEqual([
      { id: id(4), orderId: id(1), status: 'received', lines: back('received').lines, refund: 120 },
      { id: id(4), orderId: id(1), status: 'approved', lines: back('received').lines, refund: 120 },
    ])
    expect(() => parseOrder(shown)).not.toThrow()
  })
})

describe('what a customer can do', () => {
  const possible = (changes: Partial<OrderRow>) => presentOrder(row(changes), NOW).actions
  const offered = (action: 'cancel' | 'amend', shipments: ShipmentRow[] = []) =>
    statesOf(ORDER).filter((status) => possible({ status, shipments }).includes(action))

  const EARLY = ['placed', 'reserving', 'awaiting_customer', 'authorizing', 'confirmed', 'amending']

  it('is to cancel until the last parcel has left', () => {
    expect(offered('cancel')).toEqual([...EARLY.slice(0, 5), 'amending', 'fulfilling'])
    expect(offered('cancel', [parcel('dispatched'), parcel('booked')])).toContain('fulfilling')
    expect(offered('cancel', [parcel('dispatched'), parcel('cancelled')])).not.toContain('fulfilling')
    expect(offered('cancel', [parcel('lost'), parcel('delivered')])).not.toContain('fulfilling')
  })

  it('is to amend before parcels are packed, as long as the order waits for nobody', () => {
    expect(offered('amend')).toEqual(EARLY)
    const until = NOW.toISOString()
    expect(possible({ status: 'reserving', waiting_for: { what: 'stock', until } })).toEqual(['cancel'])
    expect(possible({ status: 'awaiting_customer', waiting_for: { what: 'payment_action', until } })).toEqual(
      ['cancel'],
    )
    expect(possible({ status: 'confirmed', attention })).toEqual(['cancel'])
  })

  it.each([
    ['shortage_decision', 'decide'],
    ['payment_method', 'change_payment_method'],
  ] as const)('is, where %s is waited for, to %s', (what, action) => {
    const until = NOW.toISOString()
    const waiting = row({ status: 'awaiting_customer', waiting_for: { what, until } })
    expect(presentOrder(waiting, NOW)).toMatchObject({ waitingFor: { what, until } })
    expect(possible(waiting)).toEqual(['cancel', action])
  })

  it('is nothing but to return what arrived, once a cancellation was accepted', () => {
    const cancelling = (changes: Partial<OrderRow>) => possible({ cancel_accepted: true, ...changes })
    const until = NOW.toISOString()
    expect(cancelling({ status: 'authorizing' })).toEqual([])
    for (const what of ['shortage_decision', 'payment_method'] as const)
      expect(cancelling({ status: 'awaiting_customer', waiting_for: { what, until } })).toEqual([])
    const shipments = [parcel('delivered', [['A', 1]]), parcel('booked')]
    expect(cancelling({ status: 'fulfilling', shipments })).toEqual(['return'])
  })

  it.each<[string, boolean, ShipmentRow[], ReturnRow[]]>([
    ['nothing was delivered', false, [parcel('dispatched', [['A', 1]])], []],
    ['something was delivered', true, [parcel('delivered', [['A', 1]])], []],
    ['the time is over', false, [parcel('delivered', [['A', 1]], '2026-01-31T23:59:59.000Z')], []],
    ['it is on its way back', false, [parcel('delivered', [['A', 1]])], [going('requested')]],
    ['a return was refused', true, [parcel('delivered', [['A', 1]])], [going('rejected')]],
    ['some of it is left', true, [parcel('delivered', [['A', 2]])], [going('refunded')]],
  ])('is, where %s, to return it: %s', (_what, expected, shipments, returns) => {
    expect(possible({ status: 'completed', shipments, returns })).toEqual(expected ? ['return'] : [])
  })
})
