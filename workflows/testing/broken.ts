/** Workflows that do not fit any recorded history: the replay tests must notice. */
import { sleep } from '@temporalio/workflow'
import type { OrderInput, OrderResult } from '#contracts/workflows.ts'
import { order as today } from '../order.ts'

export { shipment } from '../shipment.ts'

/** Waits before it begins, which no recorded order did. */
export async function order(input: OrderInput): Promise<OrderResult> {
  await sleep('1 minute')
  return today(input)
}
