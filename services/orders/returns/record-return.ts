/** What the return workflow writes: the return's row, its event and its order's timeline move together. */
import { ApplicationFailure } from '@temporalio/common'
import type { SkuQuantity } from '#contracts/schemas.ts'
import { isTerminal, mayMove, RETURN, type ReturnStatus } from '#contracts/states.ts'
import type { ReturnReceipt } from '#contracts/return-workflow.ts'
import { FAILURE } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { forgetIfErased } from '../erase-customer.ts'
import { lockOrder } from '../lock-order.ts'
import type { OrdersTransaction } from '../store.ts'
import { readGiveBack } from './read-give-back.ts'
import { giveBack } from './refund-amount.ts'
import { announceReturn } from './return-event.ts'

export interface RecordReturnInput {
  returnId: string
  status: Exclude<ReturnStatus, 'requested'>
  reason?: string | null
  /** With this step the return can't be called off any more, and its money goes back. */
  pays?: boolean
  /** What has really gone back, minor units: less than was agreed to where others had given it back already. */
  paid?: number
  /** When the goods should be here, ISO 8601. */
  until?: string
  /** With `received`. */
  receipt?: ReturnReceipt
}

/** Minor units: all that goes back, and how much of it is for shipping. */
export interface ReturnAmount {
  amount: number
  shipping: number
}

/** Where the return is now, and what it gives back. */
export interface RecordedReturn extends ReturnAmount {
  /** Absent in answers of earlier code, which failed unless the return was where it was asked to be. */
  status?: ReturnStatus
  /** What has gone back, minor units, once that is known. */
  refunded?: number
  /** Absent until the goods are here, and where that was before it was kept. */
  receipt?: ReturnReceipt
}

export type RecordReturn = (input: RecordReturnInput) => Promise<RecordedReturn>

interface Row {
  order_id: string
  status: ReturnStatus
  version: number
  goods: bigint | null
  shipping: bigint | null
  refunded: bigint | null
  receipt: ReturnReceipt | null
  lines: SkuQuantity[]
}

/**
 * A repeat finds the status it brings and changes nothing. So does a step that the return cannot take, because a task that was
 * lost, or a run that was reset, has taken others: the answer says where the return is, and its workflow goes on from there.
 *
 * What the goods give back is computed once, when the return is agreed to; whether the shipping cost goes back too is
 * decided when it pays: before, it may come to nothing, and so may the others that would make it the last.
 */
export const createRecordReturn =
  (transact: UnitOfWork<OrdersTransaction>): RecordReturn =>
  ({ returnId, status, reason, pays = false, paid, until, receipt }) =>
    transact(async (tx) => {
      const order = await lockOrder(tx, await orderOf(tx, returnId))
      const row = await lockReturn(tx, returnId)
      // what is paid back cannot be kept: also by a worker that was frozen and writes late
      const isPaidBack = row.shipping !== null && status === 'cancelled'
      if (isPaidBack || !mayMove(RETURN, row.status, status)) return answerOf(row)
      const given = { ...row, status, receipt: receipt ?? row.receipt }
      if (status === 'approved' || pays) {
        const { goods, shipping } = giveBack(await readGiveBack(tx, order, { returnId, lines: row.lines }))
        given.goods ??= BigInt(goods)
        if (pays) {
          given.shipping = BigInt(shipping)
          given.refunded = await lessLeft(tx, order.id, given)
        }
      }
      if (paid !== undefined) given.refunded = BigInt(paid)
      await tx.$executeRaw`
        UPDATE returns SET status = ${status}, version = version + 1, updated_at = now(),
          reason = coalesce(${reason ?? null}, reason), started_at = coalesce(started_at, now()),
          goods = ${given.goods}, shipping = ${given.shipping}, refunded = ${given.refunded},
          receipt = ${given.receipt === null ? null : JSON.stringify(given.receipt)}::jsonb
        WHERE id = ${returnId}::uuid`
      const comesToNothing = status === 'rejected' || status === 'cancelled'
      await announceReturn(tx, order, {
        id: returnId,
        status,
        version: row.version + 1,
        lines: row.lines,
        amount: comesToNothing ? 0 : Number(given.refunded ?? promisedBy(given)),
        detail: reason ?? null,
        until,
      })
      if (isTerminal<ReturnStatus>(RETURN, status)) await forgetIfErased(tx, order)
      return answerOf(given)
    })

type Given = Pick<Row, 'goods' | 'shipping'>

const answerOf = (row: Row): RecordedReturn => ({
  ...toAmount(row),
  status: row.status,
  ...(row.refunded === null ? {} : { refunded: Number(row.refunded) }),
  ...(row.receipt === null ? {} : { receipt: row.receipt }),
})

const promisedBy = ({ goods, shipping }: Given): bigint => (goods ?? 0n) + (shipping ?? 0n)

/** What to pay back: the payments service, which knows best, pays what is left where that is less. */
const toAmount = (given: Given): ReturnAmount => ({
  amount: Number(promisedBy(given)),
  shipping: Number(given.shipping ?? 0n),
})

/** What is left, as far as is known here, where that is less than what was promised: others have given it back. */
async function lessLeft(tx: OrdersTransaction, orderId: string, given: Given): Promise<bigint | null> {
  const [row] = await tx.$queryRaw<{ left: bigint }[]>`
    SELECT greatest(0, captured - refunded) AS left FROM order_payments WHERE order_id = ${orderId}::uuid`
  return row !== undefined && row.left < promisedBy(given) ? row.left : null
}

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
    SELECT order_id, status, version, goods, shipping, refunded, receipt,
      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity) ORDER BY position) FROM return_lines
        WHERE return_id = returns.id) AS lines
    FROM returns WHERE id = ${returnId}::uuid FOR UPDATE`
  if (row === undefined) throw new Error(`return ${returnId} is gone`)
  return row
}
