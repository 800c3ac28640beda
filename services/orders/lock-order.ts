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
  /** Its workflow has asked an operator. */
  asked: boolean
  /** The chain of runs that moved it last, and the number of that move; null and 0 where moves had no numbers. */
  moved_by: string | null
  moves: number
  /** The run of that chain, and how long its history was then; null and 0 where that was not told. */
  moved_run: string | null
  moved_task: number
  /** When that run began; null where that was not told. */
  moved_began: Date | null
}

/** The order under its row lock: concurrent writers of one order take turns. */
export async function lockOrder(tx: OrdersTransaction, orderId: string): Promise<LockedOrder> {
  const [order] = await tx.$queryRaw<LockedOrder[]>`
    SELECT id, number, customer_id, currency, total, status, version, waiting_for, revision,
      attention IS NOT NULL AS asked, moved_by, moves, moved_run,
      moved_task, moved_began
    FROM orders WHERE id = ${orderId}::uuid FOR NO KEY UPDATE`
  if (order === undefined)
    throw ApplicationFailure.nonRetryable(`there is no order ${orderId}`, FAILURE.refused)
  return order
}
