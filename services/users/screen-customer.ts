import type { Sql } from '#platform/database.ts'
import { tryLockUser, type Transact, type Tx, type UserRow } from './store.ts'

export interface ScreenCustomerInput {
  orderId: string
  customerId: string
  /** Minor units: what the whole order is to count for. */
  amount: number
  currency: string
  /** Counts the order's requests from 1; a later one changes what the order counts for. */
  request?: number
}

export type Screening =
  | { outcome: 'cleared' }
  | { outcome: 'refused'; code: 'spending_limit' | 'account_closed' }
  /** The screening was released before this call arrived, or a later request came first. */
  | { outcome: 'released' }

export type ScreenCustomer = ReturnType<typeof createScreenCustomer>

interface ScreeningRow {
  request: number
  amount: bigint
  status: 'cleared' | 'refused' | 'released' | 'spent'
  code: 'spending_limit' | 'account_closed' | null
  created_at: Date
}

/**
 * Counts an order against what its customer may spend in 24 hours (in each currency by itself): the account's own limit,
 * or the default. A later request for more is checked in the same way and counts the whole order from then on; one for
 * less is never refused and leaves the order its time. A repeat gives the first answer; a request that was released, or
 * that comes after a later one, is answered `released`.
 */
export const createScreenCustomer =
  ({ transact, defaultLimit }: { transact: Transact; defaultLimit: number }) =>
  (input: ScreenCustomerInput): Promise<Screening> =>
    transact(async (tx) => {
      const { orderId, request = 1 } = input
      const customer = await tryLockUser(tx, input.customerId) // a customer's orders are screened one after the other
      const known = await lockScreenings(tx, orderId)
      const answered = known.find((row) => row.request === request)
      if (answered !== undefined) return toAnswer(answered)
      const isOver = known.some(
        (row) => row.request > request || (row.request === 1 && row.status === 'released'),
      )
      if (isOver) return { outcome: 'released' }
      const counting = known.findLast(({ status }) => status === 'cleared' || status === 'spent')
      const isLess = counting !== undefined && BigInt(input.amount) <= counting.amount
      const code = isLess ? null : await reasonAgainst(tx, { ...input, customer, defaultLimit })
      const status = code === null ? (counting?.status ?? 'cleared') : 'refused'
      const inserted = await tx.$executeRaw`
        INSERT INTO screenings (order_id, request, customer_id, amount, currency, status, code, created_at)
        VALUES (${orderId}::uuid, ${request}, ${input.customerId}::uuid, ${BigInt(input.amount)}, ${input.currency},
                ${status}, ${code}, coalesce(${isLess ? counting.created_at : null}, now()))
        ON CONFLICT DO NOTHING`
      if (inserted === 1) return toAnswer({ status, code })
      // a release, which does not wait for the customer's row, came in between
      const [row] = (await lockScreenings(tx, orderId)).filter((other) => other.request === request)
      return toAnswer(row ?? { status: 'released', code: null })
    })

/** The order's requests in their order. A release of the whole order waits for whoever has locked them. */
const lockScreenings = (tx: Tx, orderId: string): PromiseLike<ScreeningRow[]> =>
  tx.$queryRaw<ScreeningRow[]>`
    SELECT request, amount, status, code, created_at FROM screenings WHERE order_id = ${orderId}::uuid
    ORDER BY request FOR UPDATE`

interface Asked extends ScreenCustomerInput {
  customer: UserRow | undefined
  defaultLimit: number
}

async function reasonAgainst(
  tx: Tx,
  { customer, defaultLimit, ...input }: Asked,
): Promise<ScreeningRow['code']> {
  if (customer === undefined || customer.disabledAt !== null) return 'account_closed'
  const limit = customer.spendingLimit ?? BigInt(defaultLimit)
  return (await spentOtherwise(tx, input)) + BigInt(input.amount) > limit ? 'spending_limit' : null
}

/** What the customer's other orders count for: each by its last request that was cleared. */
async function spentOtherwise(
  tx: Tx,
  { orderId, customerId, currency }: ScreenCustomerInput,
): Promise<bigint> {
  const [row] = await tx.$queryRaw<{ spent: bigint }[]>`
    SELECT coalesce(sum(amount), 0)::bigint AS spent FROM (
      SELECT DISTINCT ON (order_id) amount FROM screenings
      WHERE customer_id = ${customerId}::uuid AND currency = ${currency} AND status IN ('cleared', 'spent')
        AND created_at > now() - interval '24 hours' AND order_id <> ${orderId}::uuid
      ORDER BY order_id, request DESC) AS counting`
  return row?.spent ?? 0n
}

function toAnswer({ status, code }: Pick<ScreeningRow, 'status' | 'code'>): Screening {
  if (status === 'released') return { outcome: 'released' }
  return code === null ? { outcome: 'cleared' } : { outcome: 'refused', code }
}

/**
 * Takes an order off its customer's spending, with every request. Where it was not screened yet, a tombstone stays, so
 * that a screening that comes late does not count it. A refusal was never counted and stays; a completed order stays spent.
 */
export async function releaseScreening(tx: Sql, orderId: string): Promise<void> {
  await releaseRequest(tx, orderId, 1)
  // in a statement of its own: whoever had the first request locked may have added another one
  await tx.$executeRaw`
    UPDATE screenings SET status = 'released' WHERE order_id = ${orderId}::uuid AND status = 'cleared'`
}

/** Takes one request back: the order counts for what it did before. Where it has not come yet, a tombstone stays. */
const releaseRequest = (sql: Sql, orderId: string, request: number): PromiseLike<number> => sql.$executeRaw`
  INSERT INTO screenings AS known (order_id, request, status) VALUES (${orderId}::uuid, ${request}, 'released')
  ON CONFLICT (order_id, request) DO UPDATE SET status = 'released' WHERE known.status = 'cleared'`

export interface ScreeningRef {
  orderId: string
  /** Absent: all of them. */
  request?: number
}

export type ReleaseScreening = ReturnType<typeof createReleaseScreening>

/** @see releaseScreening; with a request, releaseRequest */
export const createReleaseScreening =
  ({ transact }: { transact: Transact }) =>
  ({ orderId, request }: ScreeningRef): Promise<void> =>
    transact(async (tx) => {
      if (request === undefined) await releaseScreening(tx, orderId)
      else await releaseRequest(tx, orderId, request)
    })

/** The order was completed: its amount is spent for good. */
export const settleScreening = (sql: Sql, orderId: string): PromiseLike<number> =>
  sql.$executeRaw`UPDATE screenings SET status = 'spent' WHERE order_id = ${orderId}::uuid AND status = 'cleared'`
