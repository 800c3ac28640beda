import type { Sql } from '#platform/database.ts'
import { lockBooks } from './books.ts'
import { createCarryOutRefund } from './carry-out-refund.ts'
import type { PaymentsDependencies } from './execute-attempt.ts'
import { refundsOf } from './refund.ts'
import { createReleaseAuthorization, releasesDue } from './release-authorization.ts'
import { createSynchronize, type Synchronization } from './synchronize.ts'

export type ReconcilePayment = ReturnType<typeof createReconcilePayment>

export function createReconcilePayment(dependencies: PaymentsDependencies) {
  const { transact } = dependencies
  const synchronize = createSynchronize(dependencies)
  const releaseAuthorization = createReleaseAuthorization(dependencies)
  const carryOutRefund = createCarryOutRefund(dependencies)

  /**
   * Asks the provider for the state of the authorization with this reference and brings ours to it: settles what is open,
   * books what came late, by hand or by the customer's bank. Then releases what must not stay, and gives back what was
   * captured too late.
   *
   * @returns what came of it; undefined when the reference is none of ours
   */
  return async function reconcilePayment(
    reference: string,
    providerId: string | null = null,
  ): Promise<Synchronization | undefined> {
    const made = await transact((tx) => attemptWith(tx, reference))
    if (made === undefined) return undefined
    const { orderId, id } = made
    const result = await synchronize(orderId, { id, key: reference }, providerId)
    const due = await transact((tx) => whatIsDue(tx, orderId))
    if (due.release) await releaseAuthorization(orderId)
    for (const refund of due.refunds) await carryOutRefund(orderId, refund)
    return result
  }
}

async function attemptWith(tx: Sql, key: string): Promise<{ orderId: string; id: string } | undefined> {
  const [row] = await tx.$queryRaw<{ orderId: string; id: string }[]>`
    SELECT payment.order_id AS "orderId", attempt.id
    FROM attempts attempt JOIN payments payment ON payment.id = attempt.payment_id
    WHERE attempt.key = ${key} AND attempt.operation = 'authorize'`
  return row
}

async function whatIsDue(tx: Sql, orderId: string): Promise<{ release: boolean; refunds: string[] }> {
  const books = await lockBooks(tx, orderId)
  const refunds = await refundsOf(tx, books.payment.id)
  const late = refunds.filter(
    ({ status, reference }) => status === 'pending' && reference.startsWith('captured-late:'),
  )
  return { release: releasesDue(books).length > 0, refunds: late.map(({ id }) => id) }
}
