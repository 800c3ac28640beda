/** What the saga writes about its order: the row, its event and its timeline move together. */
import { ApplicationFailure } from '@temporalio/common'
import { isTerminal, mayMove, ORDER, type OrderStatus } from '#contracts/states.ts'
import { FAILURE, type WaitingFor } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { forgetAddresses } from './erase-customer.ts'
import { announceStatus, type OrderFacts } from './order-event.ts'
import type { OrdersTransaction } from './store.ts'
import { addToTimeline, type NewTimelineEntry } from './timeline.ts'

/** A saga step as the timeline tells it. */
export interface StepRecord {
  /** Counts the workflow's records, so that a repeated one is known. */
  sequence: number
  name: string
  status: 'completed' | 'refused' | 'failed' | 'compensated'
  detail: string | null
  /** ISO 8601 */
  at: string
}

export interface RecordProgressInput {
  orderId: string
  /** Absent when only steps are recorded. */
  status?: OrderStatus
  reason?: { code: string; message: string }
  steps: StepRecord[]
  /** What the order waits for from now on; null: for nothing any more. Absent: as before. */
  waitingFor?: WaitingFor | null
}

interface LockedOrder extends OrderFacts {
  status: OrderStatus
  version: number
}

/** A repeat finds the status it brings and changes nothing. */
export const createRecordProgress =
  (transact: UnitOfWork<OrdersTransaction>) =>
  ({ orderId, status, reason, steps }: RecordProgressInput): Promise<void> =>
    transact(async (tx) => {
      const order = await lockOrder(tx, orderId)
      const entries: NewTimelineEntry[] = steps.map(({ sequence, ...step }) => ({
        ...step,
        kind: 'step',
        source: `step:${sequence}`,
      }))
      if (status !== undefined && status !== order.status) {
        assertMove(order.status, status)
        const version = order.version + 1
        // the workflow runs, so nobody has to start it any more
        await tx.$executeRaw`
          WITH started AS (DELETE FROM workflow_starts WHERE order_id = ${orderId}::uuid)
          UPDATE orders SET status = ${status}, version = ${version}, updated_at = now(),
            reason_code = coalesce(${reason?.code ?? null}, reason_code),
            reason_message = coalesce(${reason?.message ?? null}, reason_message)
          WHERE id = ${orderId}::uuid`
        await announceStatus(tx, order, { status, version, reason: reason?.code ?? null })
        if (isTerminal(ORDER, status)) await forgetAddresses(tx, order.customer_id)
        entries.push({
          kind: 'event',
          name: `order.${status}`,
          status,
          detail: reason?.message ?? null,
          source: `version:${version}`,
        })
      }
      await addToTimeline(tx, orderId, entries)
    })

/** The order under its row lock: concurrent writers of one order take turns. */
export async function lockOrder(tx: OrdersTransaction, orderId: string): Promise<LockedOrder> {
  const [order] = await tx.$queryRaw<LockedOrder[]>`
    SELECT id, number, customer_id, currency, total, status, version FROM orders
    WHERE id = ${orderId}::uuid FOR NO KEY UPDATE`
  if (order === undefined)
    throw ApplicationFailure.nonRetryable(`there is no order ${orderId}`, FAILURE.refused)
  return order
}

function assertMove(from: OrderStatus, to: OrderStatus): void {
  if (mayMove(ORDER, from, to)) return
  throw ApplicationFailure.nonRetryable(`an order cannot go from ${from} to ${to}`, FAILURE.refused)
}
