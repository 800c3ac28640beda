/**
 * Double entry: every movement is a transaction whose signed entries sum to zero (the database checks it at commit).
 *
 * | account                 | its balance, per payment                                    |
 * | ----------------------- | ----------------------------------------------------------- |
 * | customer_authorizations | what may still be captured                                  |
 * | provider_commitments    | the other side of it                                        |
 * | provider_balance        | what the provider has captured for us                       |
 * | receivables             | what left the warehouse and could not be captured           |
 * | sales                   | the other side of both                                      |
 */
import { randomUUID } from 'node:crypto'
import type { Sql } from '#platform/database.ts'
import { currencyOf, type Payment } from './payment.ts'

type Account =
  'customer_authorizations' | 'provider_commitments' | 'provider_balance' | 'receivables' | 'sales'
type Kind = 'authorization' | 'capture' | 'release' | 'receivable'

interface Posting {
  payment: Payment
  attemptId: string
  amount: number
}

export const postAuthorization = (tx: Sql, posting: Posting): Promise<void> =>
  post(tx, 'authorization', posting, { customer_authorizations: 1, provider_commitments: -1 })

export const postRelease = (tx: Sql, posting: Posting): Promise<void> =>
  post(tx, 'release', posting, { customer_authorizations: -1, provider_commitments: 1 })

/** @param clears whether the amount stands as a receivable, which this capture pays */
export const postCapture = (tx: Sql, posting: Posting, { clears }: { clears: boolean }): Promise<void> =>
  post(tx, 'capture', posting, {
    customer_authorizations: -1,
    provider_commitments: 1,
    provider_balance: 1,
    [clears ? 'receivables' : 'sales']: -1,
  })

export const postReceivable = (tx: Sql, posting: Posting): Promise<void> =>
  post(tx, 'receivable', posting, { receivables: 1, sales: -1 })

/** What is still owed for a shipment whose capture was refused, minor units. */
export async function receivableOf(tx: Sql, payment: Payment, shipmentId: string): Promise<number> {
  const [row] = await tx.$queryRaw<{ balance: bigint }[]>`
    SELECT coalesce(sum(entry.amount), 0)::bigint AS balance
    FROM ledger_entries entry JOIN attempts attempt ON attempt.id = entry.attempt_id
    WHERE entry.payment_id = ${payment.id}::uuid AND entry.account = 'receivables'
      AND attempt.shipment_id = ${shipmentId}::uuid`
  return Number(row?.balance ?? 0)
}

async function post(
  tx: Sql,
  kind: Kind,
  { payment, attemptId, amount }: Posting,
  signs: Partial<Record<Account, 1 | -1>>,
): Promise<void> {
  const transactionId = randomUUID()
  const currency = currencyOf(payment)
  for (const [account, sign] of Object.entries(signs)) {
    await tx.$executeRaw`
      INSERT INTO ledger_entries (transaction_id, payment_id, attempt_id, kind, account, amount, currency)
      VALUES (${transactionId}::uuid, ${payment.id}::uuid, ${attemptId}::uuid, ${kind}, ${account},
              ${BigInt(sign * amount)}, ${currency})`
  }
}
