/** Releases what must not stay authorized: the order was voided, or the payment failed while the customer could still approve. */
import type { Sql } from '#platform/database.ts'
import { addAttempt, attemptsOf, latestOf, type Attempt } from './attempt.ts'
import {
  createExecuteAttempt,
  takeToSend,
  takeUnsettled,
  type PaymentsDependencies,
  type Ticket,
} from './execute-attempt.ts'
import { changePayment, lockKnownPayment, openOf, type Payment } from './payment.ts'

export function createReleaseAuthorization(dependencies: PaymentsDependencies) {
  const { transact, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)

  /** Settles what is unknown, then releases; does nothing where nothing is to be released. */
  return async function releaseAuthorization(orderId: string): Promise<void> {
    for (;;) {
      const ticket = await transact((tx) => nextStep(tx, orderId))
      if (ticket === undefined) return
      const { operation, status, errorCode } = await executeAttempt(ticket, {
        repeat: ticket.attempt.operation !== 'authorize',
      })
      if (operation === 'void' && status === 'declined') {
        throw new Error(`the provider refuses to release the authorization of order ${orderId}: ${errorCode}`)
      }
    }
  }

  async function nextStep(tx: Sql, orderId: string): Promise<Ticket | undefined> {
    const payment = await lockKnownPayment(tx, orderId)
    const attempts = await attemptsOf(tx, payment.id)
    const unsettled = await takeUnsettled(tx, payment, attempts, timings)
    if (unsettled !== undefined) return unsettled
    if (payment.tombstone && payment.status === 'created') {
      await changePayment(tx, payment, { status: 'voided' }, { type: 'payment.voided', amount: 0 })
      return undefined
    }
    if (!mustRelease(payment, attempts)) return undefined
    const last = latestOf(attempts, 'void')
    const attempt =
      last?.status === 'created'
        ? last
        : await addAttempt(tx, payment, attempts, {
            operation: 'void',
            amount: openOf(payment) || payment.amount,
          })
    return takeToSend(tx, payment, attempt, timings)
  }
}

function mustRelease(payment: Payment, attempts: readonly Attempt[]): boolean {
  if (payment.tombstone && openOf(payment) > 0) return true
  if (payment.status !== 'failed' || payment.providerAuthorizationId === null) return false
  return openOf(payment) > 0 || latestOf(attempts, 'void')?.status !== 'succeeded'
}
