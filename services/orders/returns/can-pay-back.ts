/** Whether there is money for a return: what an operator has refunded by hand goes back only once. */
import { formatMoney } from '#contracts/money.ts'
import type { SkuQuantity } from '#contracts/schemas.ts'
import { ProblemError } from '#platform/problem.ts'
import type { LockedOrder } from '../lock-order.ts'
import type { PaymentRow, ReturnRow } from '../rows.ts'
import type { OrdersTransaction } from '../store.ts'
import { leftOf, suffices } from './can-return.ts'
import { readGiveBack } from './read-give-back.ts'
import { giveBack } from './refund-amount.ts'

/**
 * Only goods are weighed: whether the shipping cost goes back is decided when the return pays, and then it pays what is left.
 * What the payments service has told so far is not all that has happened; it alone decides when money moves.
 *
 * @throws ProblemError `return_already_refunded`
 */
export async function assertCanPayBack(
  tx: OrdersTransaction,
  order: LockedOrder,
  back: { returnId: string; lines: readonly SkuQuantity[] },
): Promise<void> {
  const left = await readLeft(tx, order.id, back.returnId)
  const { goods } = giveBack(await readGiveBack(tx, order, back))
  if (suffices(left, goods)) return
  const [wanted, there] = [goods, Math.max(0, left ?? 0)].map((amount) => formatMoney(amount, order.currency))
  // the word of the capture may come after that of the arrival: then the same call may come again
  throw new ProblemError('return_already_refunded', `It would give back ${wanted}, and ${there} is left.`, {
    ...((await hasGivenBack(tx, order.id)) ? {} : { retryAfter: RETRY_AFTER_SECONDS }),
  })
}

const RETRY_AFTER_SECONDS = 2

/** Whether anything has gone back, or was promised to, as far as is known. */
async function hasGivenBack(tx: OrdersTransaction, orderId: string): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM order_payments WHERE order_id = ${orderId}::uuid AND refunded > 0
    UNION ALL SELECT 1 FROM returns WHERE order_id = ${orderId}::uuid AND goods > 0
    LIMIT 1`
  return rows.length > 0
}

/** What is left of the order's money for this return. */
async function readLeft(
  tx: OrdersTransaction,
  orderId: string,
  returnId: string,
): Promise<number | undefined> {
  const [row] = await tx.$queryRaw<(Amounts & { others: Promised[] })[]>`
    SELECT captured::float8 AS captured, refunded::float8 AS refunded, (
      SELECT coalesce(json_agg(json_build_object('status', returns.status, 'goods', goods, 'shipping', shipping)), '[]')
      FROM returns WHERE returns.order_id = ${orderId}::uuid AND returns.id <> ${returnId}::uuid) AS others
    FROM order_payments WHERE order_id = ${orderId}::uuid`
  return row === undefined ? undefined : leftOf(row, row.others)
}

type Amounts = Pick<PaymentRow, 'captured' | 'refunded'>
type Promised = Pick<ReturnRow, 'status' | 'goods' | 'shipping'>
