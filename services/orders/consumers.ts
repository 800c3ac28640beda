/** What the orders service learns from the others: the catalog, and what became of an order's stock, money and parcels. */
import { subscription } from '#contracts/consumers.ts'
import type { AnyDomainEvent, EventPayload } from '#contracts/events.ts'
import { formatMoney } from '#contracts/money.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { advance } from '#platform/events/inbox.ts'
import type { EventSubscription } from '#platform/service.ts'
import { erasureConsumer } from './erase-customer.ts'
import { noteDispute } from './projections/dispute.ts'
import type { Apply } from './projections/apply.ts'
import { projectPayment } from './projections/payment.ts'
import { projectProduct } from './projections/product.ts'
import { projectShipment, type ReturnPolicy } from './projections/shipment.ts'
import { projectWarehouse } from './projections/warehouse.ts'
import type { OrdersTransaction } from './store.ts'
import { addToTimeline, type NewTimelineEntry } from './timeline.ts'

export const createConsumers = (
  transact: UnitOfWork<OrdersTransaction>,
  policy: ReturnPolicy,
): EventSubscription[] => [
  projection(transact, subscription('orders-catalog'), projectProduct),
  projection(transact, subscription('orders-reservations'), (tx, event) => tell(tx, event, 'event')),
  projection(transact, subscription('orders-payments'), async (tx, event) => {
    await Promise.all([projectPayment(tx, event), noteDispute(tx, event), tell(tx, event, 'payment')])
    await tellByHand(tx, event)
  }),
  projection(transact, subscription('orders-shipments'), async (tx, event) => {
    await Promise.all([projectShipment(policy, tx, event), tell(tx, event, 'parcel')])
  }),
  {
    ...subscription('orders-warehouses'),
    // a repeat changes nothing, and order does not matter
    handle: (event) => transact((tx) => projectWarehouse(tx, event)),
  },
  erasureConsumer(transact),
]

/** Applies each event once and each aggregate's events in order. */
const projection = (
  transact: UnitOfWork<OrdersTransaction>,
  { durable, subjects }: Omit<EventSubscription, 'handle'>,
  apply: Apply,
): EventSubscription => ({
  durable,
  subjects,
  handle: (event) =>
    transact(async (tx) => {
      const { eventId, aggregateId, version } = event
      if (await advance(tx, { consumer: durable, eventId, aggregateId, version })) await apply(tx, event)
    }),
})

/** Adds the event to its order's timeline. */
async function tell(
  tx: OrdersTransaction,
  event: AnyDomainEvent,
  kind: NewTimelineEntry['kind'],
): Promise<void> {
  if (!('orderId' in event.payload) || event.payload.orderId === null || isTold(event)) return
  const [, status = event.eventType] = event.eventType.split('.')
  await addToTimeline(tx, event.payload.orderId, [
    {
      kind,
      name: event.eventType,
      status,
      detail: detailOf(event),
      at: event.timestamp,
      source: `event:${event.eventId}`,
    },
  ])
}

/** A payment that fails in the end has its refusals in the timeline: nothing was held that could be voided. */
const isTold = ({ eventType, payload }: AnyDomainEvent): boolean =>
  eventType === 'payment.voided' && 'released' in payload && payload.status === 'failed'

/** Who of the operators gave money back, and how much; why, the payments service knows. */
async function tellByHand(
  tx: OrdersTransaction,
  { eventId, payload, timestamp }: AnyDomainEvent,
): Promise<void> {
  if (!('refundedBy' in payload) || payload.refundedBy === undefined) return
  const { orderId, amount, currency, refundedBy } = payload
  const detail = `${refundedBy}: ${formatMoney(amount, currency)}`
  const source = `event:${eventId}:by-hand`
  await addToTimeline(tx, orderId, [
    { kind: 'operator', name: 'refund', status: 'done', detail, at: timestamp, source },
  ])
}

function detailOf({ eventType, payload }: AnyDomainEvent): string | null {
  // what a customer never approved held no money
  if (eventType === 'payment.voided' && payload.amount === 0) return null
  if (eventType.startsWith('payment.') && 'brand' in payload) return paymentDetail(payload)
  if (eventType.startsWith('shipment.') && 'trackingNumber' in payload) return shipmentDetail(payload)
  if ('lines' in payload) return payload.lines.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(', ')
  if ('skus' in payload) return payload.skus.join(', ')
  return null
}

const paymentDetail = ({ amount, currency, code }: EventPayload<'payment.authorized'>): string =>
  code === null ? formatMoney(amount, currency) : code

const shipmentDetail = ({ warehouse, trackingNumber }: EventPayload<'shipment.booked'>): string =>
  trackingNumber === null ? warehouse : `${warehouse}, ${trackingNumber}`
