/** An order that waits for an operator says so in its row, its events and its timeline. */
import type { AttentionState } from '#contracts/workflows.ts'
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import { lockOrder } from './lock-order.ts'
import type { OrdersTransaction } from './store.ts'
import { addToTimeline, isTold } from './timeline.ts'

export type RaiseAttentionInput = { orderId: string } & AttentionState

export interface ClearAttentionInput {
  orderId: string
  action: 'retry' | 'resolve'
  /** The operator's id. */
  by: string
  note: string
  /** The `since` of the question that was answered; runs that began earlier do not say it. */
  since?: string
}

/**
 * A repeat for the same moment changes nothing, also one that comes after the answer. A later question takes the place of
 * one that was never answered: the run that asked it was reset.
 */
export const createRaiseAttention =
  (transact: UnitOfWork<OrdersTransaction>) =>
  ({ orderId, ...attention }: RaiseAttentionInput): Promise<void> =>
    transact(async (tx) => {
      const { version } = await lockOrder(tx, orderId)
      const source = `attention:${attention.since}`
      if (await isTold(tx, orderId, source)) return
      const raised = await tx.$executeRaw`
        UPDATE orders SET attention = ${JSON.stringify(attention)}::jsonb, version = ${version + 1}, updated_at = now()
        WHERE id = ${orderId}::uuid AND coalesce(attention->>'since', '') < ${attention.since}
          AND status NOT IN ('completed', 'rejected', 'cancelled')`
      if (raised === 0) return
      const { step, operation, error } = attention
      await appendEvent(tx, {
        type: 'order.attention_raised',
        aggregateId: orderId,
        version: version + 1,
        payload: { orderId, step, operation, error },
      })
      await addToTimeline(tx, orderId, [
        {
          kind: 'event',
          name: 'order.attention_raised',
          status: 'waiting',
          detail: `${operation}: ${error}`,
          source,
        },
      ])
    })

/** Records who answered and how; a repeat finds nothing to clear, and leaves a later question open. */
export const createClearAttention =
  (transact: UnitOfWork<OrdersTransaction>) =>
  ({ orderId, action, by, note, since }: ClearAttentionInput): Promise<void> =>
    transact(async (tx) => {
      const { version } = await lockOrder(tx, orderId)
      const [cleared] = await tx.$queryRaw<{ attention: AttentionState }[]>`
        UPDATE orders SET attention = NULL, version = ${version + 1}, updated_at = now()
        FROM (SELECT attention FROM orders WHERE id = ${orderId}::uuid) AS before
        WHERE id = ${orderId}::uuid AND orders.attention IS NOT NULL
          AND orders.attention->>'since' <= coalesce(${since ?? null}, orders.attention->>'since')
        RETURNING before.attention`
      if (cleared === undefined) return
      const { step, operation, error } = cleared.attention
      await appendEvent(tx, {
        type: 'order.attention_cleared',
        aggregateId: orderId,
        version: version + 1,
        payload: { orderId, step, operation, error },
      })
      await addToTimeline(tx, orderId, [
        {
          kind: 'operator',
          name: action,
          status: 'done',
          detail: `${by}: ${note}`,
          source: `version:${version + 1}`,
        },
      ])
    })

/** An order that has come to its end waits for no operator: the run that asked may have been reset and gone another way. */
export async function closeAttention(tx: OrdersTransaction, orderId: string): Promise<void> {
  const [closed] = await tx.$queryRaw<{ attention: AttentionState; version: number }[]>`
    UPDATE orders SET attention = NULL, version = orders.version + 1, updated_at = now()
    FROM (SELECT attention FROM orders WHERE id = ${orderId}::uuid) AS before
    WHERE id = ${orderId}::uuid AND orders.attention IS NOT NULL
    RETURNING before.attention, orders.version`
  if (closed === undefined) return
  const { version } = closed
  const { step, operation, error } = closed.attention
  await appendEvent(tx, {
    type: 'order.attention_cleared',
    aggregateId: orderId,
    version,
    payload: { orderId, step, operation, error },
  })
  await addToTimeline(tx, orderId, [
    {
      kind: 'event',
      name: 'order.attention_cleared',
      status: 'settled',
      detail: 'The order has come to its end.',
      source: `version:${version}`,
    },
  ])
}
