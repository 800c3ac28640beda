/** One authorization: what the ledger's entries make of it, what it is at a time, and what the API says about it. */
import type { Effect } from './ledger-entries.ts'
import { findPaymentMethod } from './payment-methods.ts'

export interface Dispute {
  id: string
  amount: number
  status: 'open' | 'won' | 'lost'
}

export interface Authorization {
  id: string
  /** With parts captured it stays `authorized`; the amounts say the rest. */
  status: 'requires_action' | 'authorized' | 'declined' | 'voided' | 'expired'
  amount: number
  captured: number
  refunded: number
  released: number
  currency: string
  reference: string
  customer?: string
  paymentMethod: string
  declineCode?: string
  actionToken?: string
  expiresAt: string
  createdAt: string
  disputes: Dispute[]
  /** Its payment method's capture and void faults are over. */
  healed: boolean
}

/** What can still be captured or released. */
export const leftOf = ({ amount, captured, released, status }: Authorization): number =>
  status === 'authorized' ? amount - captured - released : 0

/** The authorization after something happened to it; the first effect makes it. */
export function evolve(before: Authorization | undefined, effect: Effect): Authorization {
  if (effect.type === 'authorization') return begin(effect)
  if (before === undefined)
    throw new Error(`${effect.type} of the unknown authorization ${effect.authorizationId}`)
  switch (effect.type) {
    case 'authentication':
      return effect.approved
        ? { ...before, status: 'authorized' }
        : { ...before, status: 'declined', declineCode: 'authentication_failed' }
    case 'capture':
      return {
        ...before,
        captured: before.captured + effect.amount,
        released: before.released + effect.released,
      }
    case 'void':
      return {
        ...before,
        released: before.released + effect.amount,
        status: before.captured === 0 ? 'voided' : before.status,
      }
    case 'dispute':
      return { ...before, disputes: disputesAfter(before.disputes, effect) }
    default: // a refund
      return { ...before, refunded: before.refunded + effect.amount }
  }
}

function disputesAfter(
  before: Dispute[],
  { disputeId: id, amount, outcome }: Extract<Effect, { type: 'dispute' }>,
): Dispute[] {
  if (outcome === 'opened') return [...before, { id, amount, status: 'open' }]
  return before.map((dispute) => (dispute.id === id ? { ...dispute, status: outcome } : dispute))
}

function begin(effect: Extract<Effect, { type: 'authorization' }>): Authorization {
  const { customer, declineCode, actionToken } = effect
  return {
    id: effect.authorizationId,
    status: effect.status,
    amount: effect.amount,
    captured: 0,
    refunded: 0,
    released: 0,
    currency: effect.currency,
    reference: effect.reference,
    ...(customer === undefined ? {} : { customer }),
    paymentMethod: effect.paymentMethod,
    ...(declineCode === undefined ? {} : { declineCode }),
    ...(actionToken === undefined ? {} : { actionToken }),
    expiresAt: effect.expiresAt,
    createdAt: effect.at,
    disputes: [],
    healed: false,
  }
}

/** Time alone ends what nobody captured: it is released without an entry. */
export function asOf(authorization: Authorization, now: number): Authorization {
  if (now < Date.parse(authorization.expiresAt)) return authorization
  if (authorization.status === 'requires_action') return { ...authorization, status: 'expired' }
  const left = leftOf(authorization)
  if (left === 0) return authorization
  const { captured, released, status } = authorization
  return { ...authorization, released: released + left, status: captured === 0 ? 'expired' : status }
}

/** What the API answers. */
export function present(authorization: Authorization, actionUrl: (token: string) => string) {
  const { customer, declineCode, actionToken, status } = authorization
  const method = findPaymentMethod(authorization.paymentMethod)
  const waits = status === 'requires_action' && actionToken !== undefined
  return {
    id: authorization.id,
    status,
    amount: authorization.amount,
    captured: authorization.captured,
    refunded: authorization.refunded,
    released: authorization.released,
    currency: authorization.currency,
    reference: authorization.reference,
    ...(customer === undefined ? {} : { customer }),
    method: { brand: method?.brand ?? 'unknown', last4: method?.last4 ?? '0000' },
    ...(declineCode === undefined ? {} : { declineCode }),
    ...(waits ? { nextAction: { url: actionUrl(actionToken) } } : {}),
    ...(authorization.disputes.length === 0 ? {} : { disputes: authorization.disputes }),
    expiresAt: authorization.expiresAt,
    createdAt: authorization.createdAt,
  }
}
