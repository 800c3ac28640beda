/** What the orders service learns from the others: the catalog, and what became of an order's stock, money and parcels. */
import type { AnyDomainEvent, EventPayload } from '#contracts/events.ts'
import { subjectsOf } from '#contracts/events.ts'
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
import type { OrdersTransaction } from './store.ts'
import { addToTimeline, type NewTimelineEntry } from './timeline.ts'

export const createConsumers = (
  transact: UnitOfWork<OrdersTransaction>,
  policy: ReturnPolicy,
): EventSubscription[] => [
  projection(transact, 'orders-catalog', [subjectsOf('product', 'inventory')], projectProduct),
  projection(transact, 'orders-reservations', [subjectsOf('reservation', 'inventory')], (tx, event) =>
    tell(tx, event, 'event'),
  ),
  projection(transact, 'orders-payments', [subjectsOf('payment', 'payments')], async (tx, event) => {
    await Promise.all([projectPayment(tx, event), noteDispute(tx, event), tell(tx, event, 'payment')])
  }),
  projection(transact, 'orders-shipments', [subjectsOf('shipment', 'shipping')], async (tx, event) => {
    await Promise.all([projectShipment(policy, tx, event), tell(tx, event, 'parcel')])
  }),
  erasureConsumer(transact),
]

/** Applies each event once and each aggregate's events in order. */
const projection = (
  transact: UnitOfWork<OrdersTransaction>,
  durable: string,
  subjects: string[],
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
  if (!('orderId' in event.payload) || event.payload.orderId === null) return
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

function detailOf({ eventType, payload }: AnyDomainEvent): string | null {
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
