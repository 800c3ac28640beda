import { formatMoney } from '#contracts/money.ts'
import type { Sql } from '#platform/database.ts'
import { GIVEN_UP } from '../books/attempt.ts'
import { currencyOf, lockPayment } from '../books/payment.ts'
import { readBooks, type Books } from '../books/books.ts'
import { collectedOtherwise } from '../settled-otherwise/collected-otherwise.ts'
import { createCarryOutRefund } from './carry-out-refund.ts'
import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import {
  addRefund,
  leftToRefund,
  markRefund,
  refundedBy,
  refundsOf,
  shrinkRefund,
  type NewRefund,
  type Refund,
} from '../books/refund.ts'

export interface Refunding {
  orderId: string
  /** What it is for: a return's id, a lost parcel's. */
  refundId: string
  /** Minor units. */
  amount: number
  reason: string
  /**
   * Where less is left because more has gone back, that goes back instead of a refusal: be it nothing. Less because it was
   * not captured is refused all the same.
   */
  orWhatIsLeft?: boolean
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
    const { orderId, refundId: reference, amount, reason, orWhatIsLeft = false } = refunding
    if (amount === 0) return { outcome: 'refunded', amount: 0 }
    const begun = await dependencies.transact(async (tx) => {
      if (orWhatIsLeft) return beginWhatIsLeft(tx, orderId, { reference, amount, reason })
      return beginRefund(tx, orderId, { reference, kind: 'order', amount, reason })
    })
    if (begun === 'nothing_left') return { outcome: 'refunded', amount: 0 }
    if (typeof begun === 'string') return { outcome: 'refused', code: begun }
    const refund = await carryOutRefund(orderId, begun.id)
    if (refund.status === 'succeeded') return { outcome: 'refunded', amount: refund.amount }
    const code = refund.code ?? 'refund_refused'
    // the customer's bank was faster: what it has left is asked for anew
    return orWhatIsLeft && code === EXCEEDS ? refundPayment(refunding) : { outcome: 'refused', code }
  }
}

const EXCEEDS = 'refund_exceeds_captured'

/**
 * Like `beginRefund`, but where that is too much it promises what is left. One that was refused shrinks to that. What is
 * owed, or was collected otherwise, cannot go back from here: where that is missing, it stays refused for a person to decide.
 */
async function beginWhatIsLeft(
  tx: Sql,
  orderId: string,
  draft: Pick<NewRefund, 'reference' | 'amount' | 'reason'>,
): Promise<Refund | RefundRefusal | 'nothing_left'> {
  const begun = await beginRefund(tx, orderId, { ...draft, kind: 'order' })
  if (begun !== 'payment_not_captured' && begun !== EXCEEDS) return begun
  const payment = await lockPayment(tx, orderId)
  if (payment === undefined) return 'nothing_left'
  const books = await readBooks(tx, payment)
  const refunds = await refundsOf(tx, payment.id)
  const known = refunds.find(({ reference }) => reference === draft.reference)
  const left = Math.max(leftToRefund(books, refunds), 0)
  const gone = known === undefined ? 0 : refundedBy(books.attempts, known)
  const wanted = (known?.amount ?? draft.amount) - gone
  if (Math.min(wanted, left + (await collectedOtherwise(tx, books))) > left) return begun
  if (gone + left === 0) return 'nothing_left'
  if (known === undefined) return addRefund(tx, payment.id, { ...draft, kind: 'order', amount: left })
  return markRefund(tx, await shrinkRefund(tx, known, gone + left), 'pending')
}

export type RefundRefusal = 'payment_not_captured' | 'payment_disputed' | 'refund_exceeds_captured'

/**
 * Promises a refund under the payment's lock, so that all of them together never exceed what was captured. An amount of
 * `all` is whatever is left. A refund that is known is the same again; one that was refused may be tried once more, unless it
 * was given up.
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
  if (known !== undefined && (known.status !== 'refused' || known.code === GIVEN_UP)) return known
  const wanted = known === undefined ? amount : known.amount - refundedBy(books.attempts, known)
  const left = leftToRefund(books, refunds)
  const refusal = refusalOf(books, wanted === 'all' ? Math.max(left, 1) : wanted, left)
  if (refusal !== undefined) return refusal
  if (known !== undefined) return markRefund(tx, known, 'pending')
  return addRefund(tx, payment.id, { ...draft, amount: wanted === 'all' ? left : wanted })
}

/** What a refund may be at most, in words: nothing is left of a payment that gave everything back. */
export async function describeLeft(tx: Sql, orderId: string): Promise<string> {
  const payment = await lockPayment(tx, orderId)
  if (payment === undefined) return 'Nothing was captured.'
  const left = leftToRefund(await readBooks(tx, payment), await refundsOf(tx, payment.id))
  return `${formatMoney(Math.max(left, 0), currencyOf(payment))} of what was captured can still be given back.`
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
