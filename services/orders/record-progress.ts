/** What the saga writes about its order: the row, its event and its timeline move together. */
import { ApplicationFailure } from '@temporalio/common'
import { isTerminal, mayMove, ORDER, type OrderStatus } from '#contracts/states.ts'
import { FAILURE, type WaitingFor } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { closeAmendments } from './amendments/close-amendments.ts'
import { forgetAddresses } from './erase-customer.ts'
import { lockOrder, type LockedOrder } from './lock-order.ts'
import { announceStatus } from './order-event.ts'
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

/** A repeat finds the status it brings and changes nothing. */
export const createRecordProgress =
  (transact: UnitOfWork<OrdersTransaction>) =>
  ({ orderId, status, reason, steps, waitingFor }: RecordProgressInput): Promise<void> =>
    transact(async (tx) => {
      const order = await lockOrder(tx, orderId)
      const entries: NewTimelineEntry[] = steps.map(({ sequence, ...step }) => ({
        ...step,
        kind: 'step',
        source: `step:${sequence}`,
      }))
      const next = {
        ...order,
        status: status ?? order.status,
        waiting_for: waitsFor(order, status, waitingFor),
      }
      if (next.status !== order.status) assertMove(order.status, next.status)
      if (next.status !== order.status || asksAnew(order, next)) {
        entries.push(await enterStatus(tx, next, reason))
      } else if (waitingFor !== undefined) {
        await tx.$executeRaw`
          UPDATE orders SET waiting_for = ${json(next.waiting_for)}::jsonb, updated_at = now()
          WHERE id = ${orderId}::uuid AND waiting_for IS DISTINCT FROM ${json(next.waiting_for)}::jsonb`
      }
      await addToTimeline(tx, orderId, entries)
    })

/** An order that has ended waits for nothing. */
function waitsFor(
  order: LockedOrder,
  status: OrderStatus | undefined,
  waitingFor: WaitingFor | null | undefined,
): WaitingFor | null {
  if (isTerminal(ORDER, status ?? order.status)) return null
  return waitingFor === undefined ? order.waiting_for : waitingFor
}

/** Whether the customer, who is waited for already, is asked for something else. */
const asksAnew = (before: LockedOrder, next: LockedOrder): boolean =>
  next.status === 'awaiting_customer' && before.waiting_for?.what !== next.waiting_for?.what

/** Writes the order's new status, with its event. */
async function enterStatus(
  tx: OrdersTransaction,
  next: LockedOrder,
  reason: RecordProgressInput['reason'],
): Promise<NewTimelineEntry> {
  const { id, status, waiting_for: waitingFor } = next
  const version = next.version + 1
  // the workflow runs, so nobody has to start it any more
  const code = reason?.code ?? (status === 'awaiting_customer' ? waitingFor?.what : undefined)
  const written = tx.$executeRaw`
    WITH started AS (DELETE FROM workflow_starts WHERE order_id = ${id}::uuid)
    UPDATE orders SET status = ${status}, version = ${version}, waiting_for = ${json(waitingFor)}::jsonb,
      updated_at = now(), reason_code = coalesce(${reason?.code ?? null}, reason_code),
      reason_message = coalesce(${reason?.message ?? null}, reason_message)
    WHERE id = ${id}::uuid`
  await Promise.all([written, announceStatus(tx, next, { status, version, reason: code ?? null })])
  if (isTerminal(ORDER, status)) {
    await closeAmendments(tx, id)
    await forgetAddresses(tx, next.customer_id)
  }
  return {
    kind: 'event',
    name: `order.${status}`,
    status,
    detail: reason?.message ?? code ?? null,
    source: `version:${version}`,
  }
}

const json = (value: WaitingFor | null): string | null => (value === null ? null : JSON.stringify(value))

function assertMove(from: OrderStatus, to: OrderStatus): void {
  if (mayMove(ORDER, from, to)) return
  throw ApplicationFailure.nonRetryable(`an order cannot go from ${from} to ${to}`, FAILURE.refused)
}
