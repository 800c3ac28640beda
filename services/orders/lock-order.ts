import { ApplicationFailure } from '@temporalio/common'
import type { OrderStatus } from '#contracts/states.ts'
import { FAILURE, type WaitingFor } from '#contracts/workflows.ts'
import type { OrderFacts } from './order-event.ts'
import type { OrdersTransaction } from './store.ts'

export interface LockedOrder extends OrderFacts {
  status: OrderStatus
  version: number
  waiting_for: WaitingFor | null
  revision: number
}

/** The order under its row lock: concurrent writers of one order take turns. */
export async function lockOrder(tx: OrdersTransaction, orderId: string): Promise<LockedOrder> {
  const [order] = await tx.$queryRaw<LockedOrder[]>`
    SELECT id, number, customer_id, currency, total, status, version, waiting_for, revision FROM orders
    WHERE id = ${orderId}::uuid FOR NO KEY UPDATE`
  if (order === undefined)
    throw ApplicationFailure.nonRetryable(`there is no order ${orderId}`, FAILURE.refused)
  return order
}
