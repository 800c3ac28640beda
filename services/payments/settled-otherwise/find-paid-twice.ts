/**
 * What an operator has settled otherwise and the provider has done as well: somebody may have paid twice. A person decides
 * what becomes of that.
 */
import { formatMoney } from '#contracts/money.ts'
import type { Finding } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'

const MOST = 500
/** So long each is listed: a run of the reconciliation that fails has its finding again in the next one. */
const LISTED_FOR_SECONDS = 3_600

interface Row {
  id: string
  orderId: string
  key: string
  amount: bigint
  currency: string
}

/** Findings of kind `ledger_mismatch`: each for an hour from when it was listed first. */
export async function findPaidTwice(database: Sql): Promise<Finding[]> {
  const rows = await database.$queryRaw<Row[]>`
    UPDATE attempts attempt SET given_up_listed_at = coalesce(given_up_listed_at, now())
    FROM payments payment WHERE payment.id = attempt.payment_id AND attempt.id IN (
      SELECT id FROM attempts
      WHERE given_up_at IS NOT NULL AND status = 'succeeded' AND (given_up_listed_at IS NULL
        OR given_up_listed_at > now() - make_interval(secs => ${LISTED_FOR_SECONDS}::int))
      ORDER BY given_up_at LIMIT ${MOST})
    RETURNING attempt.id, payment.order_id AS "orderId", attempt.key, attempt.amount, payment.currency`
  return rows.map(({ id, orderId, key, amount, currency }) => ({
    kind: 'ledger_mismatch',
    // each is a question of its own, whatever else is asked about the order
    subjectId: id,
    orderId,
    detail: `${key} of ${formatMoney(Number(amount), currency)} was settled otherwise by an operator, and the provider has carried it out`,
    repaired: false,
  }))
}
