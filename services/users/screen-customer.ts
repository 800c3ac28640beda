import type { Sql } from '#platform/database.ts'
import { tryLockUser, type Transact, type Tx } from './store.ts'

export interface ScreenCustomerInput {
  orderId: string
  customerId: string
  /** Minor units. */
  amount: number
  currency: string
}

export type Screening =
  | { outcome: 'cleared' }
  | { outcome: 'refused'; code: 'spending_limit' | 'account_closed' }
  | { outcome: 'released' }

interface ScreeningRow {
  status: 'cleared' | 'refused' | 'released' | 'spent'
  code: 'spending_limit' | 'account_closed' | null
}

/**
 * Counts an order against what its customer may spend in 24 hours (in each currency by itself): the account's own limit,
 * or the default. A repeat gives the first answer; after a release the answer is `released`.
 */
export const createScreenCustomer =
  ({ transact, defaultLimit }: { transact: Transact; defaultLimit: number }) =>
  (input: ScreenCustomerInput): Promise<Screening> =>
    transact(async (tx) => {
      const customer = await tryLockUser(tx, input.customerId) // a customer's orders are screened one after the other
      const known = await readScreening(tx, input.orderId)
      if (known !== undefined) return toAnswer(known)
      const limit = customer?.spendingLimit ?? BigInt(defaultLimit)
      const code =
        customer === undefined || customer.disabledAt !== null
          ? 'account_closed'
          : (await spentBy(tx, input)) + BigInt(input.amount) > limit
            ? 'spending_limit'
            : null
      const row: ScreeningRow = { status: code === null ? 'cleared' : 'refused', code }
      const inserted = await tx.$executeRaw`
        INSERT INTO screenings (order_id, customer_id, amount, currency, status, code)
        VALUES (${input.orderId}::uuid, ${input.customerId}::uuid, ${BigInt(input.amount)}, ${input.currency},
                ${row.status}, ${row.code})
        ON CONFLICT DO NOTHING`
      if (inserted === 1) return toAnswer(row)
      // a release, which does not wait for the customer's row, came in between
      return toAnswer((await readScreening(tx, input.orderId)) ?? { status: 'released', code: null })
    })

async function readScreening(tx: Tx, orderId: string): Promise<ScreeningRow | undefined> {
  const [row] = await tx.$queryRaw<ScreeningRow[]>`
    SELECT status, code FROM screenings WHERE order_id = ${orderId}::uuid`
  return row
}

async function spentBy(tx: Tx, { customerId, currency }: ScreenCustomerInput): Promise<bigint> {
  const [row] = await tx.$queryRaw<{ spent: bigint }[]>`
    SELECT coalesce(sum(amount), 0)::bigint AS spent FROM screenings
    WHERE customer_id = ${customerId}::uuid AND currency = ${currency} AND status IN ('cleared', 'spent')
      AND created_at > now() - interval '24 hours'`
  return row?.spent ?? 0n
}

function toAnswer({ status, code }: ScreeningRow): Screening {
  if (status === 'released') return { outcome: 'released' }
  return code === null ? { outcome: 'cleared' } : { outcome: 'refused', code }
}

/**
 * Takes an order off its customer's spending. Where it was not screened yet, a tombstone stays, so that a screening that
 * comes late does not count it. A refusal was never counted and stays; a completed order stays spent.
 */
export const releaseScreening = (sql: Sql, orderId: string): PromiseLike<number> => sql.$executeRaw`
  INSERT INTO screenings AS known (order_id, status) VALUES (${orderId}::uuid, 'released')
  ON CONFLICT (order_id) DO UPDATE SET status = 'released' WHERE known.status = 'cleared'`

/** The order was completed: its amount is spent for good. */
export const settleScreening = (sql: Sql, orderId: string): PromiseLike<number> =>
  sql.$executeRaw`UPDATE screenings SET status = 'spent' WHERE order_id = ${orderId}::uuid AND status = 'cleared'`
