import type { Sql } from '#platform/database.ts'
import { lockBooks } from '../books/books.ts'
import { createCarryOutRefund } from '../refunds/carry-out-refund.ts'
import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import { refundsOf } from '../books/refund.ts'
import { createReleaseAuthorization, releasesDue } from '../authorizations/release-authorization.ts'
import { createSynchronize, type Synchronization } from './synchronize.ts'

export type ReconcilePayment = ReturnType<typeof createReconcilePayment>

export function createReconcilePayment(dependencies: PaymentsDependencies) {
  const { transact } = dependencies
  const synchronize = createSynchronize(dependencies)
  const releaseAuthorization = createReleaseAuthorization(dependencies)
  const carryOutRefund = createCarryOutRefund(dependencies)

  /**
   * Asks the provider for the state of the authorization with this reference (or id there) and brings ours to it: settles what is open,
   * books what came late, by hand or by the customer's bank. Then releases what must not stay, and gives back what was
   * captured too late.
   *
   * @returns what came of it; undefined when it is none of ours
   */
  return async function reconcilePayment(
    reference: string,
    providerId: string | null = null,
  ): Promise<Synchronization | undefined> {
    const made = await transact((tx) => makerOf(tx, reference, providerId))
    if (made === undefined) return undefined
    const { orderId } = made
    const result = await synchronize(orderId, made, providerId)
    const due = await transact((tx) => whatIsDue(tx, orderId))
    if (due.release) await releaseAuthorization(orderId)
    for (const refund of due.refunds) await carryOutRefund(orderId, refund)
    return result
  }
}

/** The attempt that made an authorization, by our reference or by the provider's id; not every webhook says both. */
async function makerOf(
  tx: Sql,
  reference: string,
  providerId: string | null,
): Promise<{ orderId: string; id: string; key: string } | undefined> {
  const [row] = await tx.$queryRaw<{ orderId: string; id: string; key: string }[]>`
    SELECT payment.order_id AS "orderId", attempt.id, attempt.key
    FROM attempts attempt
    JOIN payments payment ON payment.id = attempt.payment_id
    JOIN authorizations made ON made.id = attempt.authorization_id
    WHERE attempt.operation = 'authorize' AND (attempt.key = ${reference} OR made.provider_id = ${providerId})
    ORDER BY attempt.key = ${reference} DESC LIMIT 1`
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
