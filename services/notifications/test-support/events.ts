/** Events as they come from the stream. */
import { randomUUID } from 'node:crypto'
import type { DomainEvent, EventPayload, EventType } from '#contracts/events.ts'

export const orderPayload = (
  orderId: string,
  customerId: string,
  reason: string | null = null,
): EventPayload<'order.created'> => ({
  orderId,
  customerId,
  number: '100001',
  status: 'placed',
  reason,
  currency: 'EUR',
  total: 1990,
})

export const parcelPayload = (shipmentId: string, orderId: string): EventPayload<'shipment.dispatched'> => ({
  shipmentId,
  orderId,
  warehouse: 'AMS',
  lines: [{ sku: 'TEE-BLACK-M', quantity: 2 }],
  carrier: 'sandbox',
  trackingNumber: 'TRACK-1',
  at: new Date().toISOString(),
})

export const eventOf = <T extends EventType>(
  eventType: T,
  aggregateId: string,
  payload: EventPayload<T>,
): DomainEvent<T> => ({
  eventId: randomUUID(),
  eventType,
  aggregateId,
  timestamp: new Date().toISOString(),
  version: 1,
  payload,
})

/** An event of an order, whatever its type says about its status. */
export const orderEvent = (
  eventType: 'order.created' | 'order.confirmed' | 'order.awaiting_customer',
  orderId: string,
  customerId: string,
  reason: string | null = null,
) =>
  eventOf<'order.created' | 'order.confirmed' | 'order.awaiting_customer'>(
    eventType,
    orderId,
    orderPayload(orderId, customerId, reason),
  )
