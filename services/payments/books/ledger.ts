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
 * | refunds                 | what was given back for goods: returned, lost, not sent     |
 * | goodwill                | what an operator gave back                                  |
 * | disputes                | what the customer's bank holds until it has decided         |
 * | chargebacks             | what it has taken for good                                  |
 */
import { randomUUID } from 'node:crypto'
import type { Sql } from '#platform/database.ts'
import { currencyOf, type Payment } from './payment.ts'

type Account =
  | 'customer_authorizations'
  | 'provider_commitments'
  | 'provider_balance'
  | 'receivables'
  | 'sales'
  | 'refunds'
  | 'goodwill'
  | 'disputes'
  | 'chargebacks'
type Kind =
  | 'authorization'
  | 'capture'
  | 'release'
  | 'expiry'
  | 'receivable'
  | 'refund'
  | 'dispute'
  | 'dispute_won'
  | 'dispute_lost'

/** What moved, and the attempt or dispute that moved it. */
type Posting = { payment: Payment; amount: number } & ({ attemptId: string } | { disputeId: string })

export const postAuthorization = (tx: Sql, posting: Posting): Promise<void> =>
  post(tx, 'authorization', posting, { customer_authorizations: 1, provider_commitments: -1 })

export const postRelease = (tx: Sql, posting: Posting): Promise<void> =>
  post(tx, 'release', posting, { customer_authorizations: -1, provider_commitments: 1 })

/** What nobody captured in time. */
export const postExpiry = (tx: Sql, posting: Posting): Promise<void> =>
  post(tx, 'expiry', posting, { customer_authorizations: -1, provider_commitments: 1 })

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

export const postRefund = (tx: Sql, posting: Posting, account: 'refunds' | 'goodwill'): Promise<void> =>
  post(tx, 'refund', posting, { provider_balance: -1, [account]: 1 })

/** The bank holds the money, gives it back to us, or takes it for good. */
export function postDispute(tx: Sql, posting: Posting, change: 'opened' | 'won' | 'lost'): Promise<void> {
  if (change === 'opened') return post(tx, 'dispute', posting, { provider_balance: -1, disputes: 1 })
  if (change === 'won') return post(tx, 'dispute_won', posting, { provider_balance: 1, disputes: -1 })
  return post(tx, 'dispute_lost', posting, { disputes: -1, chargebacks: 1 })
}

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
  { payment, amount, ...cause }: Posting,
  signs: Partial<Record<Account, 1 | -1>>,
): Promise<void> {
  const transactionId = randomUUID()
  const currency = currencyOf(payment)
  for (const [account, sign] of Object.entries(signs)) {
    await tx.$executeRaw`
      INSERT INTO ledger_entries (transaction_id, payment_id, attempt_id, dispute_id, kind, account, amount, currency)
      VALUES (${transactionId}::uuid, ${payment.id}::uuid, ${'attemptId' in cause ? cause.attemptId : null}::uuid,
              ${'disputeId' in cause ? cause.disputeId : null}::uuid, ${kind}, ${account}, ${BigInt(sign * amount)},
              ${currency})`
  }
}
