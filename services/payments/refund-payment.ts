import type { Sql } from '#platform/database.ts'
import { lockPayment } from './payment.ts'
import { readBooks, type Books } from './books.ts'
import { createCarryOutRefund } from './carry-out-refund.ts'
import type { PaymentsDependencies } from './execute-attempt.ts'
import {
  addRefund,
  leftToRefund,
  markRefund,
  refundedBy,
  refundsOf,
  type NewRefund,
  type Refund,
} from './refund.ts'

export interface Refunding {
  orderId: string
  /** What it is for: a return's id, a lost parcel's. */
  refundId: string
  /** Minor units. */
  amount: number
  reason: string
}

export type RefundingResult = { outcome: 'refunded'; amount: number } | { outcome: 'refused'; code: string }

export type RefundPayment = ReturnType<typeof createRefundPayment>

export function createRefundPayment(dependencies: PaymentsDependencies) {
  const carryOutRefund = createCarryOutRefund(dependencies)

  /**
   * Gives money back, once per refund id; a repeat gives the same answer, and after a refusal tries what is left with a new
   * key.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried
   */
  return async function refundPayment(refunding: Refunding): Promise<RefundingResult> {
    const { orderId, refundId: reference, amount, reason } = refunding
    if (amount === 0) return { outcome: 'refunded', amount: 0 }
    const begun = await dependencies.transact((tx) =>
      beginRefund(tx, orderId, { reference, kind: 'order', amount, reason }),
    )
    if (typeof begun === 'string') return { outcome: 'refused', code: begun }
    const refund = await carryOutRefund(orderId, begun.id)
    return refund.status === 'succeeded'
      ? { outcome: 'refunded', amount: refund.amount }
      : { outcome: 'refused', code: refund.code ?? 'refund_refused' }
  }
}

export type RefundRefusal = 'payment_not_captured' | 'payment_disputed' | 'refund_exceeds_captured'

/**
 * Promises a refund under the payment's lock, so that all of them together never exceed what was captured. An amount of
 * `all` is whatever is left. A refund that is known is the same again; one that was refused may be tried once more.
 */
export async function beginRefund(
  tx: Sql,
  orderId: string,
  { amount, ...draft }: Omit<NewRefund, 'amount'> & { amount: number | 'all' },
): Promise<Refund | RefundRefusal> {
  const payment = await lockPayment(tx, orderId)
  if (payment === undefined) return 'payment_not_captured'
  const books = await readBooks(tx, payment)
  const refunds = await refundsOf(tx, payment.id)
  const known = refunds.find(({ reference }) => reference === draft.reference)
  if (known !== undefined && known.status !== 'refused') return known
  const wanted = known === undefined ? amount : known.amount - refundedBy(books.attempts, known)
  const left = leftToRefund(books, refunds)
  const refusal = refusalOf(books, wanted === 'all' ? Math.max(left, 1) : wanted, left)
  if (refusal !== undefined) return refusal
  if (known !== undefined) return markRefund(tx, known, 'pending')
  return addRefund(tx, payment.id, { ...draft, amount: wanted === 'all' ? left : wanted })
}

function refusalOf(
  { payment, authorizations }: Books,
  wanted: number,
  left: number,
): RefundRefusal | undefined {
  if (payment.captured === 0) return 'payment_not_captured'
  if (authorizations.some(({ disputed }) => disputed > 0)) return 'payment_disputed'
  return wanted > left ? 'refund_exceeds_captured' : undefined
}
