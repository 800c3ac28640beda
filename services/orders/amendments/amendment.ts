/** The rows of amendments: what a customer wants changed, and what it was quoted as. */
import { ApplicationFailure } from '@temporalio/common'
import type { Address, SkuQuantity } from '#contracts/schemas.ts'
import { FAILURE } from '#contracts/workflows.ts'
import type { PricedOrder } from '../pricing/total-order.ts'
import type { OrdersTransaction } from '../store.ts'

/** The code of an amendment that its order's workflow had not heard of when the order ended. */
export const NEVER_CAME_UP = 'never_came_up'

/** The code of an amendment whose sender was never told that it was accepted, and instead of which another was made. */
export const REPLACED = 'stale_version'

export interface AmendmentRef {
  orderId: string
  amendmentId: string
}

export interface QuotedAmendment extends PricedOrder {
  /** Whether other units are sold than before. */
  linesChanged: boolean
}

export interface AmendmentRow {
  status: 'requested' | 'applied' | 'refused'
  /** Null: they stay as they are. */
  lines: SkuQuantity[] | null
  shipping_address: Address | null
  /** What it makes of the order; null until it was quoted. */
  quote: QuotedAmendment | null
  code: string | null
  message: string | null
}

/** Call it under the order's lock. */
export async function lockAmendment(
  tx: OrdersTransaction,
  { orderId, amendmentId }: AmendmentRef,
): Promise<AmendmentRow> {
  const [row] = await tx.$queryRaw<AmendmentRow[]>`
    SELECT status, lines, shipping_address, quote, code, message FROM amendments
    WHERE id = ${amendmentId}::uuid AND order_id = ${orderId}::uuid FOR UPDATE`
  if (row === undefined)
    throw ApplicationFailure.nonRetryable(`there is no amendment ${amendmentId}`, FAILURE.refused)
  return row
}
