import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import { addAttempt, attemptsOf, latestOf } from './attempt.ts'
import {
  createExecuteAttempt,
  takeToSend,
  takeUnsettled,
  type PaymentsDependencies,
  type Ticket,
} from './execute-attempt.ts'
import { findOrCreatePayment, lockKnownPayment, type Payment } from './payment.ts'
import { createReleaseAuthorization } from './release-authorization.ts'

export interface Authorization {
  orderId: string
  customerId: string
  /** Minor units. */
  amount: number
  currency: string
  paymentMethod: string
}

export type AuthorizationResult =
  | { outcome: 'authorized'; paymentId: string }
  | { outcome: 'declined'; code: string }
  | { outcome: 'not_required' }
  | { outcome: 'voided' }

export type AuthorizePayment = ReturnType<typeof createAuthorizePayment>

export function createAuthorizePayment(dependencies: PaymentsDependencies) {
  const { transact, provider, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)
  const releaseAuthorization = createReleaseAuthorization(dependencies)

  /**
   * Authorizes an order's money once; a repeat gives the same answer, also after a crash or an unknown outcome.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried; Refused for another amount
   */
  return async function authorizePayment(order: Authorization): Promise<AuthorizationResult> {
    const ticket = await transact((tx) => begin(tx, order))
    if (ticket !== undefined) await executeAttempt(ticket)
    const { payment, code } = await transact((tx) => readResult(tx, order.orderId))
    if (payment.tombstone || payment.status === 'failed') await releaseAuthorization(order.orderId)
    return toResult(payment, code)
  }

  async function begin(tx: Sql, order: Authorization): Promise<Ticket | undefined> {
    const payment = await findOrCreatePayment(tx, { ...order, provider: provider.name })
    if (payment.tombstone || payment.status !== 'created') return undefined
    assertSame(payment, order)
    const attempts = await attemptsOf(tx, payment.id)
    const unsettled = await takeUnsettled(tx, payment, attempts, timings)
    if (unsettled !== undefined) return unsettled
    const attempt =
      latestOf(attempts, 'authorize') ??
      (await addAttempt(tx, payment, attempts, { operation: 'authorize', amount: order.amount }))
    return takeToSend(tx, payment, attempt, timings)
  }
}

async function readResult(tx: Sql, orderId: string) {
  const payment = await lockKnownPayment(tx, orderId)
  const attempt = latestOf(await attemptsOf(tx, payment.id), 'authorize')
  return { payment, code: attempt?.errorCode ?? null }
}

function toResult(payment: Payment, code: string | null): AuthorizationResult {
  if (payment.tombstone) return { outcome: 'voided' }
  if (payment.status === 'not_required') return { outcome: 'not_required' }
  if (payment.status === 'failed') return { outcome: 'declined', code: code ?? 'declined' }
  return { outcome: 'authorized', paymentId: payment.id }
}

function assertSame({ amount, currency }: Payment, order: Authorization): void {
  if (amount === order.amount && currency === order.currency) return
  throw ApplicationFailure.nonRetryable(
    `order ${order.orderId} already has a payment of another amount`,
    FAILURE.refused,
  )
}
