/**
 * The durable consumers of the event stream: whose each is, what it follows, and what of that its inbox records. The
 * permissions of each service at the broker and the checker are derived from this one table.
 */
import { isEventType, subjectOf, subjectsOf, subjectsOfType, type EventType } from './events.ts'
import type { DatabaseName, ServiceName } from './services.ts'

/** An event, as far as it says whose inbox has it. */
interface Followed {
  eventType: string
  aggregateId: string
  version: number
}

export interface ConsumerDeclaration {
  service: DatabaseName
  /** Subject filters, e.g. `evt.inventory.product.>`. */
  subjects: string[]
  /** Of the events that it follows, those that leave a row in its inbox. */
  records: (event: Followed) => boolean
}

const everything = () => true
/** A repeat changes nothing, so that nobody has to remember. */
const nothing = () => false
const only =
  (...types: EventType[]) =>
  ({ eventType }: Followed): boolean =>
    types.some((type) => type === eventType)

export const CONSUMERS = {
  'orders-catalog': consumer('orders', [subjectsOf('product', 'inventory')], everything),
  'orders-reservations': consumer('orders', [subjectsOf('reservation', 'inventory')], everything),
  'orders-payments': consumer('orders', [subjectsOf('payment', 'payments')], everything),
  'orders-shipments': consumer('orders', [subjectsOf('shipment', 'shipping')], everything),
  'orders-warehouses': consumer('orders', [subjectsOf('stock', 'inventory')], nothing),
  'orders-erasure': consumer('orders', [subjectsOfType('user.erased')], everything),
  'orders-wake-ups': consumer(
    'orders',
    (['reservation.held', 'payment.authorized', 'payment.declined', 'payment.expired'] as const).map(
      subjectsOfType,
    ),
    // the first answers of stock and payment are results of the order's own activities: only what comes later is news
    ({ eventType, version }) => version > (eventType === 'reservation.held' ? 1 : 2),
  ),
  'inventory-shipments': consumer(
    'inventory',
    [subjectsOf('shipment', 'shipping')],
    only('shipment.dispatched'),
  ),
  'inventory-backorders': consumer(
    'inventory',
    // after which somebody who waits may be served: stock has come or was given back, the queue has become shorter, or
    // somebody joined it while stock came
    (
      [
        'stock.adjusted',
        'stock.restocked',
        'reservation.held',
        'reservation.backordered',
        'reservation.changed',
        'reservation.released',
        'reservation.expired',
      ] as const
    ).map(subjectsOfType),
    nothing,
  ),
  'payments-erasure': consumer('payments', [subjectsOfType('user.erased')], nothing),
  'users-spending': consumer(
    'users',
    [subjectsOf('order', 'orders')],
    only('order.rejected', 'order.cancelled', 'order.completed'),
  ),
}

function consumer(
  service: DatabaseName,
  subjects: string[],
  records: ConsumerDeclaration['records'],
): ConsumerDeclaration {
  return { service, subjects, records }
}

type ConsumerName = keyof typeof CONSUMERS

/** The folders of services/notifications/channels; the broker refuses the consumer of one that is not listed. */
export const CHANNELS = ['email', 'sms', 'webhooks'] as const

/** A channel says itself which events it is given; what was sent is in the service's bucket. */
export const channelConsumer = <N extends string>(channel: N): `notifications-${N}` =>
  `notifications-${channel}`

/** Whatever follows the stream: a name that is not in the table does not compile, nor would the broker allow it. */
export type DurableName = ConsumerName | ReturnType<typeof channelConsumer<string>>

/** What a service says of a consumer beside its handler. */
export const subscription = <N extends ConsumerName>(durable: N): { durable: N; subjects: string[] } => ({
  durable,
  subjects: CONSUMERS[durable].subjects,
})

/** The durable consumers of a service. */
export const durablesOf = (service: ServiceName): string[] =>
  service === 'notifications'
    ? CHANNELS.map(channelConsumer)
    : Object.entries(CONSUMERS)
        .filter(([, declaration]) => declaration.service === service)
        .map(([name]) => name)

/** With which a service that has an outbox looks for what the stream has lost: each time a new one, of the same name. */
export const republishConsumer = (service: ServiceName): string => `${service}-republish`

/** Whether the consumer's inbox has a row of this event once it was applied. */
export function isRecorded({ subjects, records }: ConsumerDeclaration, event: Followed): boolean {
  if (!isEventType(event.eventType)) return false
  const subject = subjectOf(event.eventType, event.aggregateId)
  // each filter ends in `.>`, and has no other wildcard
  return subjects.some((filter) => subject.startsWith(filter.slice(0, -1))) && records(event)
}
