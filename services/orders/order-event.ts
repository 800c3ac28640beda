/** The events of an order: every change of its row is one version and one event. */
import type { EventPayload, EventType } from '#contracts/events.ts'
import type { OrderStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent } from '#platform/events/outbox.ts'

export interface OrderFacts {
  id: string
  number: string
  customer_id: string
  currency: string
  total: bigint | number
}

type OrderStatusEvent = Extract<EventType, `order.${OrderStatus}` | 'order.created'>

const STATUS_EVENTS = {
  placed: 'order.created',
  reserving: 'order.reserving',
  authorizing: 'order.authorizing',
  awaiting_customer: 'order.awaiting_customer',
  amending: 'order.amending',
  confirmed: 'order.confirmed',
  fulfilling: 'order.fulfilling',
  completed: 'order.completed',
  rejected: 'order.rejected',
  cancelling: 'order.cancelling',
  cancelled: 'order.cancelled',
} as const satisfies Record<OrderStatus, OrderStatusEvent>

interface StatusNews {
  status: OrderStatus
  version: number
  reason: string | null
  /** Until when the order waits for its customer. */
  until?: string | undefined
}

/** Adds the event that says which status the order has now. */
export async function announceStatus(
  tx: Sql,
  order: OrderFacts,
  { status, version, reason, until }: StatusNews,
): Promise<void> {
  const payload: EventPayload<OrderStatusEvent> = {
    orderId: order.id,
    customerId: order.customer_id,
    number: order.number,
    status,
    reason,
    currency: order.currency,
    total: Number(order.total),
    ...(until === undefined ? {} : { until }),
  }
  await appendEvent(tx, { type: STATUS_EVENTS[status], aggregateId: order.id, version, payload })
}
