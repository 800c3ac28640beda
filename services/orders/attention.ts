/** An order that waits for an operator says so in its row, its events and its timeline. */
import type { AttentionState } from '#contracts/workflows.ts'
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import { lockOrder } from './lock-order.ts'
import type { OrdersTransaction } from './store.ts'
import { addToTimeline } from './timeline.ts'

export type RaiseAttentionInput = { orderId: string } & AttentionState

export interface ClearAttentionInput {
  orderId: string
  action: 'retry' | 'resolve'
  /** The operator's id. */
  by: string
  note: string
}

/** A repeat for the same moment changes nothing. */
export const createRaiseAttention =
  (transact: UnitOfWork<OrdersTransaction>) =>
  ({ orderId, ...attention }: RaiseAttentionInput): Promise<void> =>
    transact(async (tx) => {
      const { version } = await lockOrder(tx, orderId)
      const raised = await tx.$executeRaw`
        UPDATE orders SET attention = ${JSON.stringify(attention)}::jsonb, version = ${version + 1}, updated_at = now()
        WHERE id = ${orderId}::uuid AND attention IS NULL`
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
          source: `version:${version + 1}`,
        },
      ])
    })

/** Records who answered and how; a repeat finds nothing to clear. */
export const createClearAttention =
  (transact: UnitOfWork<OrdersTransaction>) =>
  ({ orderId, action, by, note }: ClearAttentionInput): Promise<void> =>
    transact(async (tx) => {
      const { version } = await lockOrder(tx, orderId)
      const [cleared] = await tx.$queryRaw<{ attention: AttentionState }[]>`
        UPDATE orders SET attention = NULL, version = ${version + 1}, updated_at = now()
        FROM (SELECT attention FROM orders WHERE id = ${orderId}::uuid) AS before
        WHERE id = ${orderId}::uuid AND orders.attention IS NOT NULL
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
