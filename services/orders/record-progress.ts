/** What the saga writes about its order: the row, its event and its timeline move together. */
import { ApplicationFailure } from '@temporalio/common'
import { isTerminal, mayMove, ORDER, type OrderStatus } from '#contracts/states.ts'
import { FAILURE, type WaitingFor } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { closeAttention } from './attention.ts'
import { closeAmendments } from './amendments/close-amendments.ts'
import { forgetIfErased } from './erase-customer.ts'
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

/** Which move of its order's workflow this is. Numbers grow within a chain of runs: a workflow and those it continued as. */
export interface MoveNumber {
  /** The id of the chain's first run; one that was lost and started anew is another chain. */
  chain: string
  number: number
  /** The run of the chain, and how long its history was when the workflow task began that makes the move. */
  run: string
  task: number
  /**
   * When the run's first task began, ISO 8601. One that was reset to its first task says when that was done over, later than
   * the run before it; one that was reset to a later task kept the first, and says what the run before it says.
   */
  began?: string
}

export interface RecordProgressInput {
  orderId: string
  /** Absent for runs from before moves had numbers. */
  move?: MoveNumber
  /** Absent when only steps are recorded. */
  status?: OrderStatus
  /** Why it has this status; null takes back what was said before. Absent: as before. */
  reason?: { code: string; message: string } | null
  steps: StepRecord[]
  /** What the order waits for from now on; null: for nothing any more. Absent: as before. */
  waitingFor?: WaitingFor | null
}

export interface RecordedProgress {
  /** An earlier run of the order had been further: what that had begun is there. */
  behind: true
}

/**
 * A repeat finds the status it brings and changes nothing. A move that is not newer than the last one adds its steps to the
 * timeline and moves nothing: a worker that was frozen may write long after another has gone on. A task that is done over
 * moves the order where it goes another way than before, also back: what the lost task wrote has never been.
 */
export const createRecordProgress =
  (transact: UnitOfWork<OrdersTransaction>) =>
  ({ orderId, steps, ...brought }: RecordProgressInput): Promise<RecordedProgress | undefined> =>
    transact(async (tx) => {
      const order = await lockOrder(tx, orderId)
      const entries: NewTimelineEntry[] = steps.map(({ sequence, ...step }) => ({
        ...step,
        kind: 'step',
        source: `step:${sequence}`,
      }))
      const judged = judge(order, brought)
      const { status, reason, waitingFor, move } = judged === 'late' ? STAY : brought
      const next = {
        ...order,
        status: status ?? order.status,
        waiting_for: waitsFor(order, status, waitingFor),
        ...(move === undefined ? {} : movedBy(move)),
      }
      if (next.status !== order.status && judged !== 'anew') assertMove(order.status, next.status)
      if (next.status !== order.status || asksAnew(order, next)) {
        entries.push(await enterStatus(tx, next, reason))
      } else if (waitingFor !== undefined) {
        await tx.$executeRaw`
          UPDATE orders SET waiting_for = ${json(next.waiting_for)}::jsonb, updated_at = now(),
            moved_by = ${next.moved_by}, moves = ${next.moves}, moved_run = ${next.moved_run}, moved_task = ${next.moved_task},
            moved_began = ${next.moved_began}
          WHERE id = ${orderId}::uuid AND waiting_for IS DISTINCT FROM ${json(next.waiting_for)}::jsonb`
      }
      await addToTimeline(tx, orderId, entries)
      if (isTerminal(ORDER, next.status)) {
        if (order.asked) await closeAttention(tx, orderId)
        await forgetIfErased(tx, next)
      }
      return isBehind(order, brought.move) ? { behind: true } : undefined
    })

const STAY: Omit<RecordProgressInput, 'orderId' | 'steps'> = {}

/** Whether a move is that of the workflow as it is now: `late` moves nothing, `anew` moves whatever the table says. */
function judge(
  order: LockedOrder,
  { move, status }: Omit<RecordProgressInput, 'orderId' | 'steps'>,
): 'next' | 'late' | 'anew' {
  if (move === undefined || move.chain !== order.moved_by) return 'next'
  if (began(move) < (order.moved_began?.getTime() ?? 0)) return 'late'
  const leads = status !== undefined && (status === order.status || mayMove(ORDER, order.status, status))
  // reset, or continued: what it does over may be behind the row
  if (move.run !== order.moved_run)
    return leads || (status === undefined && move.number > order.moves) ? 'next' : 'late'
  if (move.task < order.moved_task) return 'late'
  if (move.number > order.moves) return 'next'
  if (move.task === order.moved_task) return 'late'
  // the task was lost with the worker that did it, and what has come since may lead elsewhere
  if (leads) return 'next'
  const isInstead = status !== undefined && move.number === order.moves && !isTerminal(ORDER, order.status)
  return isInstead ? 'anew' : 'late'
}

/** Whether another run had come as far before: a run that was reset makes its moves again, one that continues goes on counting. */
const isBehind = (order: LockedOrder, move: MoveNumber | undefined): boolean =>
  move?.chain === order.moved_by && move.run !== order.moved_run && move.number <= order.moves

/** Milliseconds; of runs from before that was told, later than all. */
const began = (move: MoveNumber): number => (move.began === undefined ? Infinity : Date.parse(move.began))

const movedBy = (move: MoveNumber) => ({
  moved_by: move.chain,
  moves: move.number,
  moved_run: move.run,
  moved_task: move.task,
  moved_began: move.began === undefined ? null : new Date(move.began),
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
      updated_at = now(), moved_by = ${next.moved_by}, moves = ${next.moves},
      moved_run = ${next.moved_run}, moved_task = ${next.moved_task}, moved_began = ${next.moved_began},
      reason_code = CASE WHEN ${reason === undefined} THEN reason_code ELSE ${reason?.code ?? null} END,
      reason_message = CASE WHEN ${reason === undefined} THEN reason_message ELSE ${reason?.message ?? null} END
    WHERE id = ${id}::uuid`
  const until = status === 'awaiting_customer' ? waitingFor?.until : undefined
  await Promise.all([written, announceStatus(tx, next, { status, version, reason: code ?? null, until })])
  if (isTerminal(ORDER, status)) await closeAmendments(tx, id)
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
