/** Workflows that do not fit any recorded history: the replay tests must notice. */
import { upsertMemo } from '@temporalio/workflow'
import type { OrderInput, OrderResult } from '#contracts/workflows.ts'
import { order as today } from '../order.ts'

export { reconciliation } from '../reconciliation.ts'
export { returnGoods as return } from '../return.ts'
export { shipment } from '../shipment.ts'

/** Notes something before it begins, which no recorded order did. */
export async function order(input: OrderInput): Promise<OrderResult> {
  upsertMemo({ changed: true })
  return today(input)
}
