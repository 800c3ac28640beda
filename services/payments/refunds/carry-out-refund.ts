import type { Sql } from '#platform/database.ts'
import { addAttempt, GIVEN_UP, latestOf } from '../books/attempt.ts'
import { refundableOf } from '../books/authorization.ts'
import { lockBooks } from '../books/books.ts'
import {
  createExecuteAttempt,
  takeToSend,
  takeUnsettled,
  type PaymentsDependencies,
  type Ticket,
} from '../operations/execute-attempt.ts'
import { markRefund, refundedBy, refundOf, type Refund } from '../books/refund.ts'

export type CarryOutRefund = ReturnType<typeof createCarryOutRefund>

export function createCarryOutRefund(dependencies: PaymentsDependencies) {
  const { transact, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)

  /**
   * Gives back what is left of a refund, from the oldest captured authorization on, until all of it went back, the provider
   * refuses, or it was given up.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, or ProviderUnreachableError: it stays pending
   */
  return async function carryOutRefund(orderId: string, refundId: string): Promise<Refund> {
    let refusal: string | undefined
    for (;;) {
      const step = await transact((tx) => nextStep(tx, orderId, refundId, refusal))
      if ('status' in step) return step
      const { refundId: own, status, errorCode } = await executeAttempt(step)
      if (own === refundId && status === 'declined') refusal = errorCode ?? 'refused'
    }
  }

  async function nextStep(
    tx: Sql,
    orderId: string,
    refundId: string,
    refusal: string | undefined,
  ): Promise<Ticket | Refund> {
    const books = await lockBooks(tx, orderId)
    const refund = await refundOf(tx, refundId)
    if (refund.status !== 'pending') return refund
    const unsettled = await takeUnsettled(tx, books, timings)
    if (unsettled !== undefined) return unsettled
    const left = refund.amount - refundedBy(books.attempts, refund)
    if (left === 0) return markRefund(tx, refund, 'succeeded')
    const givenUp = books.attempts.some((each) => each.refundId === refundId && each.givenUp)
    if (givenUp) return markRefund(tx, refund, 'refused', GIVEN_UP)
    if (refusal !== undefined) return markRefund(tx, refund, 'refused', refusal)
    const last = latestOf(books.attempts, { operation: 'refund', refundId })
    if (last?.status === 'created') return takeToSend(tx, books, last, timings)
    const from = books.authorizations.find((each) => refundableOf(each) > 0)
    // the customer's bank was faster
    if (from === undefined) return markRefund(tx, refund, 'refused', 'refund_exceeds_captured')
    const amount = Math.min(left, refundableOf(from))
    const attempt = await addAttempt(tx, books, {
      operation: 'refund',
      amount,
      authorizationId: from.id,
      refundId,
    })
    return takeToSend(tx, books, attempt, timings)
  }
}
