/** What a payment is, derived from its authorizations: nothing else decides it. */
import type { PaymentStatus } from '#contracts/states.ts'
import { wasApproved, type Authorization } from './authorization.ts'
import { NOT_EXECUTED } from '../operations/not-executed.ts'

export interface PaymentSums {
  /** Of what counts for the order: an authorization that was replaced counts with what it captured. */
  authorized: number
  captured: number
  refunded: number
  /** Given back without being captured. */
  released: number
  /** Taken back by the customer's bank, for now or for good. */
  disputed: number
}

/** Minor units. `authorized` = `captured` + `released` + what may still be captured. */
export function sumsOf(authorizations: readonly Authorization[]): PaymentSums {
  const sums = { authorized: 0, captured: 0, refunded: 0, released: 0, disputed: 0 }
  for (const authorization of authorizations) {
    const { standing, amount, captured, refunded, released, disputed, chargedBack } = authorization
    if (standing === 'current' && wasApproved(authorization)) {
      sums.authorized += amount
      sums.released += released
    } else {
      sums.authorized += captured
    }
    sums.captured += captured
    sums.refunded += refunded
    sums.disputed += disputed + chargedBack
  }
  return sums
}

export interface PaymentFacts {
  amount: number
  /** Nothing of it may stay authorized. */
  tombstone: boolean
  authorizations: readonly Authorization[]
}

export function statusOf({ amount, tombstone, authorizations }: PaymentFacts): PaymentStatus {
  const { authorized, captured, refunded, released } = sumsOf(authorizations)
  const current = authorizations.filter(({ standing }) => standing === 'current')
  const open = authorized - captured - released
  const renewable = !tombstone && current.some(({ expired }) => expired)
  if (captured > 0) {
    const returned = refunded + authorizations.reduce((sum, { chargedBack }) => sum + chargedBack, 0)
    if (returned > 0)
      return returned >= captured && open === 0 && !renewable ? 'refunded' : 'partially_refunded'
    return open > 0 ? 'partially_captured' : 'captured'
  }
  const asked = current.filter(({ status }) => status === 'created' || status === 'requires_action')
  if (asked.length > 0 && !tombstone) {
    if (asked.some(({ status }) => status === 'requires_action')) return 'requires_action'
    // some parcels' shares are authorized, others not yet
    return open > 0 ? 'processing' : 'created'
  }
  if (open > 0) return 'authorized'
  if (authorized > 0) return renewable ? 'expired' : 'voided'
  if (tombstone) return authorizations.some(wasRefused) ? 'failed' : 'voided'
  return amount === 0 ? 'not_required' : 'created'
}

/** What was asked for in vain because the order was being voided was refused by nobody. */
const wasRefused = ({ status, code }: Authorization): boolean =>
  status === 'declined' && code !== NOT_EXECUTED
