/** What the return workflow writes: the return's row, its event and its order's timeline move together. */
import { ApplicationFailure } from '@temporalio/common'
import type { SkuQuantity } from '#contracts/schemas.ts'
import { mayMove, RETURN, type ReturnStatus } from '#contracts/states.ts'
import { FAILURE } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockOrder } from '../lock-order.ts'
import type { OrdersTransaction } from '../store.ts'
import { readGiveBack } from './read-give-back.ts'
import { giveBack, type GivenBack } from './refund-amount.ts'
import { announceReturn } from './return-event.ts'

export interface RecordReturnInput {
  returnId: string
  status: Exclude<ReturnStatus, 'requested'>
  reason?: string | null
}

/** Minor units: all that goes back, and how much of it is for shipping. */
export interface ReturnAmount {
  amount: number
  shipping: number
}

export type RecordReturn = (input: RecordReturnInput) => Promise<ReturnAmount>

interface Row {
  order_id: string
  status: ReturnStatus
  version: number
  goods: bigint | null
  shipping: bigint | null
  lines: SkuQuantity[]
}

/** A repeat finds the status it brings and changes nothing. What goes back is computed once, when it is agreed to. */
export const createRecordReturn =
  (transact: UnitOfWork<OrdersTransaction>): RecordReturn =>
  ({ returnId, status, reason }) =>
    transact(async (tx) => {
      const order = await lockOrder(tx, await orderOf(tx, returnId))
      const row = await lockReturn(tx, returnId)
      const known: GivenBack = { goods: Number(row.goods ?? 0), shipping: Number(row.shipping ?? 0) }
      if (row.status === status) return toAmount(known)
      if (!mayMove(RETURN, row.status, status)) {
        const message = `a return cannot go from ${row.status} to ${status}`
        throw ApplicationFailure.nonRetryable(message, FAILURE.refused)
      }
      const given =
        status === 'approved' ? giveBack(await readGiveBack(tx, order, { lines: row.lines })) : known
      const settled = status === 'approved' || row.goods !== null
      await tx.$executeRaw`
        UPDATE returns SET status = ${status}, version = version + 1, updated_at = now(),
          reason = coalesce(${reason ?? null}, reason), started_at = coalesce(started_at, now()),
          goods = ${settled ? given.goods : null}, shipping = ${settled ? given.shipping : null}
        WHERE id = ${returnId}::uuid`
      const { amount } = toAmount(given)
      await announceReturn(tx, order, {
        id: returnId,
        status,
        version: row.version + 1,
        lines: row.lines,
        amount,
        detail: reason ?? null,
      })
      return toAmount(given)
    })

const toAmount = ({ goods, shipping }: GivenBack): ReturnAmount => ({ amount: goods + shipping, shipping })

async function orderOf(tx: OrdersTransaction, returnId: string): Promise<string> {
  const [row] = await tx.$queryRaw<{ order_id: string }[]>`
    SELECT order_id FROM returns WHERE id = ${returnId}::uuid`
  if (row === undefined)
    throw ApplicationFailure.nonRetryable(`there is no return ${returnId}`, FAILURE.refused)
  return row.order_id
}

/** Call it under the order's lock. */
async function lockReturn(tx: OrdersTransaction, returnId: string): Promise<Row> {
  const [row] = await tx.$queryRaw<Row[]>`
    SELECT order_id, status, version, goods, shipping,
      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity) ORDER BY position) FROM return_lines
        WHERE return_id = returns.id) AS lines
    FROM returns WHERE id = ${returnId}::uuid FOR UPDATE`
  if (row === undefined) throw new Error(`return ${returnId} is gone`)
  return row
}
