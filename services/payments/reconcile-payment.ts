import type { Sql } from '#platform/database.ts'
import { attemptsOf, latestOf, unsettledOf, type Attempt } from './attempt.ts'
import { bookLateAuthorization, settleByReading, type PaymentsDependencies } from './execute-attempt.ts'
import { lockKnownPayment, type Payment } from './payment.ts'
import { openAt } from './providers/provider.ts'
import { createReleaseAuthorization } from './release-authorization.ts'

export type ReconcilePayment = ReturnType<typeof createReconcilePayment>

export function createReconcilePayment(dependencies: PaymentsDependencies) {
  const { transact, provider } = dependencies
  const releaseAuthorization = createReleaseAuthorization(dependencies)

  /**
   * Asks the provider for the state of the authorization with this reference and settles what is open by it; releases what
   * was authorized for an order that has ended. Nothing is sent again.
   *
   * @returns whether the reference is one of ours
   */
  return async function reconcilePayment(reference: string): Promise<boolean> {
    const orderId = await transact((tx) => orderOf(tx, reference))
    if (orderId === undefined) return false
    const { payment, attempts } = await transact((tx) => load(tx, orderId))
    const unsettled = unsettledOf(attempts)
    if (unsettled !== undefined) await settleByReading(dependencies, payment, unsettled)
    if (!payment.tombstone && payment.status !== 'failed') return true
    await bookWhatCameLate(payment, latestOf(attempts, 'authorize'))
    await releaseAuthorization(orderId)
    return true
  }

  async function bookWhatCameLate({ orderId }: Payment, attempt: Attempt | undefined): Promise<void> {
    if (attempt?.status !== 'declined' || !provider.capabilities.lookupByReference) return
    const authorization = await provider.findByReference(attempt.key)
    if (authorization === undefined || openAt(authorization) === 0) return
    await transact(async (tx) =>
      bookLateAuthorization(tx, await lockKnownPayment(tx, orderId), attempt, {
        outcome: 'succeeded',
        authorization,
      }),
    )
  }
}

async function orderOf(tx: Sql, reference: string): Promise<string | undefined> {
  const [row] = await tx.$queryRaw<{ orderId: string }[]>`
    SELECT payment.order_id AS "orderId"
    FROM attempts attempt JOIN payments payment ON payment.id = attempt.payment_id
    WHERE attempt.key = ${reference}`
  return row?.orderId
}

async function load(tx: Sql, orderId: string) {
  const payment = await lockKnownPayment(tx, orderId)
  return { payment, attempts: await attemptsOf(tx, payment.id) }
}
