/**
 * Concerns: what is put before the operators although no workflow waits for them (a parcel that is overdue, a dispute).
 * They stand beside the saga's own question; an order needs attention while it has either.
 */
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import { forgetIfErased } from './erase-customer.ts'
import { lockOrder, type LockedOrder } from './lock-order.ts'
import type { OrdersTransaction } from './store.ts'
import { addToTimeline } from './timeline.ts'

export interface ConcernInput {
  orderId: string
  /** What makes a repeat the same: `shipment:<id>:overdue`. */
  source: string
  step: string
  operation: string
  error: string
}

export type RaiseConcern = (input: ConcernInput) => Promise<void>
export type SettleConcern = (input: { orderId: string; source: string; note: string }) => Promise<void>

export const createRaiseConcern =
  (transact: UnitOfWork<OrdersTransaction>): RaiseConcern =>
  (input) =>
    transact((tx) => raiseConcern(tx, input))

/** It has settled itself; nobody needs to see to it any more. */
export const createSettleConcern =
  (transact: UnitOfWork<OrdersTransaction>): SettleConcern =>
  ({ orderId, source, note }) =>
    transact((tx) => settleConcern(tx, { orderId, source, note }))

/**
 * Once per source while it is open; what comes up again after it was settled is a new question. Each has a `since` of its
 * own, by which operators name the one they answer: also of several that come up within a millisecond.
 */
export async function raiseConcern(tx: OrdersTransaction, concern: ConcernInput): Promise<void> {
  const { orderId, source, step, operation, error } = concern
  const order = await lockOrder(tx, orderId)
  const raised = await tx.$executeRaw`
    INSERT INTO concerns (order_id, source, step, operation, error, since)
    SELECT ${orderId}::uuid, ${source}, ${step}, ${operation}, ${error},
      greatest(date_trunc('milliseconds', clock_timestamp()), max(known.since) + interval '1 millisecond')
    FROM (
      SELECT since FROM concerns WHERE order_id = ${orderId}::uuid
      UNION ALL SELECT (attention->>'since')::timestamptz(3) FROM orders WHERE id = ${orderId}::uuid
    ) AS known
    ON CONFLICT (order_id, source) DO UPDATE SET step = EXCLUDED.step, operation = EXCLUDED.operation,
      error = EXCLUDED.error, since = EXCLUDED.since, settled_at = NULL, settled_by = NULL, note = NULL
    WHERE concerns.settled_at IS NOT NULL`
  if (raised === 0) return
  const version = await announce(tx, order, 'order.attention_raised', { step, operation, error })
  await addToTimeline(tx, orderId, [
    {
      kind: 'event',
      name: 'order.attention_raised',
      status: 'waiting',
      detail: `${operation}: ${error}`,
      source: `version:${version}`,
    },
  ])
}

export async function settleConcern(
  tx: OrdersTransaction,
  { orderId, source, note }: { orderId: string; source: string; note: string },
): Promise<void> {
  const order = await lockOrder(tx, orderId)
  const [settled] = await tx.$queryRaw<Question[]>`
    UPDATE concerns SET settled_at = now(), settled_by = 'system', note = ${note}
    WHERE order_id = ${orderId}::uuid AND source = ${source} AND settled_at IS NULL
    RETURNING step, operation, error`
  if (settled === undefined) return
  const version = await announce(tx, order, 'order.attention_cleared', settled)
  await addToTimeline(tx, orderId, [
    {
      kind: 'event',
      name: 'order.attention_cleared',
      status: 'settled',
      detail: note,
      source: `version:${version}`,
    },
  ])
  await forgetIfErased(tx, order)
}

export interface ResolveInput {
  orderId: string
  /** The operator's id. */
  by: string
  note: string
  sources: readonly string[]
}

/** An operator has seen to them. @returns how many concerns that settled */
export async function resolveConcerns(
  tx: OrdersTransaction,
  { orderId, by, note, sources }: ResolveInput,
): Promise<number> {
  let order = await lockOrder(tx, orderId)
  const resolved = await tx.$queryRaw<Question[]>`
    UPDATE concerns SET settled_at = now(), settled_by = ${by}, note = ${note}
    WHERE order_id = ${orderId}::uuid AND settled_at IS NULL AND source = ANY(${sources})
    RETURNING step, operation, error`
  for (const question of resolved) {
    const version = await announce(tx, order, 'order.attention_cleared', question)
    order = { ...order, version }
    await addToTimeline(tx, orderId, [
      {
        kind: 'operator',
        name: 'resolve',
        status: 'done',
        detail: `${by}: ${note}`,
        source: `version:${version}`,
      },
    ])
  }
  if (resolved.length > 0) await forgetIfErased(tx, order)
  return resolved.length
}

interface Question {
  step: string
  operation: string
  error: string
}

/** Every change of an order is one version and one event. @returns the new version */
async function announce(
  tx: OrdersTransaction,
  { id: orderId, version: before }: LockedOrder,
  type: 'order.attention_raised' | 'order.attention_cleared',
  { step, operation, error }: Question,
): Promise<number> {
  const version = before + 1
  await tx.$executeRaw`
    UPDATE orders SET version = ${version}, updated_at = now() WHERE id = ${orderId}::uuid`
  await appendEvent(tx, {
    type,
    aggregateId: orderId,
    version,
    payload: { orderId, step, operation, error },
  })
  return version
}
