/**
 * Domain events: what services tell each other. One table, event type → owning service and payload schema. Payloads
 * carry ids, amounts and codes, never people's names or addresses. Free text is in four places: a product's name, an
 * adjustment's reason, the error that raised attention, and a finding's detail. `version` counts the aggregate's events
 * from 1 without gaps.
 */
import Type, { type Static, type TSchema } from 'typebox'
import { ORDER, PAYMENT, RETURN, statesOf } from './states.ts'
import { Amount, Closed, Currency, Id, Role, Sku, SkuQuantity, Timestamp, WarehouseCode } from './schemas.ts'
import { TaxClass } from './http/inventory.ts'
import type { ServiceName } from './services.ts'

const orderPayload = Closed({
  orderId: Id,
  customerId: Id,
  number: Type.String(),
  status: Type.Enum(statesOf(ORDER)),
  reason: Type.Union([Type.String(), Type.Null()]),
  currency: Currency,
  total: Amount,
  /** Until when the order waits for what it asks; absent where it asks nothing, and in events from before it was said. */
  until: Type.Optional(Timestamp),
})

const productPayload = Closed({
  sku: Sku,
  name: Type.String(),
  price: Amount,
  currency: Currency,
  taxClass: TaxClass,
  weightGrams: Type.Integer(),
  active: Type.Boolean(),
})

const reservationPayload = Closed({
  orderId: Id,
  lines: Type.Array(Closed({ warehouse: WarehouseCode, ...SkuQuantity.properties })),
})

const paymentPayload = Closed({
  paymentId: Id,
  orderId: Id,
  currency: Currency,
  /** What this event moved: the sum authorized, captured, refunded or released. Zero for a refusal. */
  amount: Amount,
  authorized: Amount,
  captured: Amount,
  refunded: Amount,
  released: Amount,
  brand: Type.Union([Type.String(), Type.Null()]),
  last4: Type.Union([Type.String(), Type.Null()]),
  code: Type.Union([Type.String(), Type.Null()]),
  /** What the payment is after this event; absent in events from before it was said. */
  status: Type.Optional(Type.Enum(statesOf(PAYMENT))),
  /** What the customer's bank has taken back, for now or for good. */
  disputed: Type.Optional(Amount),
  /** Why money went back; absent in other events, and in those from before it was said. */
  refundFor: Type.Optional(Type.Enum(['return', 'lost_parcel', 'request'])),
  /** Which operator gave money back by hand; absent in other events, and in those from before it was said. */
  refundedBy: Type.Optional(Type.String()),
})

const shipmentPayload = Closed({
  shipmentId: Id,
  orderId: Id,
  warehouse: WarehouseCode,
  lines: Type.Array(SkuQuantity),
  carrier: Type.Union([Type.String(), Type.Null()]),
  trackingNumber: Type.Union([Type.String(), Type.Null()]),
  at: Timestamp,
})

const attentionPayload = Closed({
  orderId: Id,
  step: Type.String(),
  operation: Type.String(),
  error: Type.String(),
})
/** What a return is about; `amount` is what it gives back, minor units, zero until that is known. */
const returnPayload = Closed({
  returnId: Id,
  orderId: Id,
  customerId: Id,
  number: Type.String(),
  status: Type.Enum(statesOf(RETURN)),
  lines: Type.Array(SkuQuantity),
  currency: Currency,
  amount: Amount,
  /** When the goods of an approved return should be here; absent otherwise, and in events from before it was said. */
  until: Type.Optional(Timestamp),
})

/** What a comparison of the books brought to light; `repaired` says whether it was put right at once. */
export const FindingPayload = Closed({
  kind: Type.Enum([
    'unknown_payment',
    'ledger_mismatch',
    'expired_hold',
    'workflow_missing',
    'workflow_stuck',
    'return_stuck',
    'parcel_stuck',
    'event_missing',
    'parcel_astray',
  ]),
  /** What it is about: an order's id, or that of the one thing of the order that is in question. */
  subjectId: Type.String({ minLength: 1, maxLength: 100 }),
  orderId: Type.Union([Id, Type.Null()]),
  detail: Type.String({ maxLength: 500 }),
  repaired: Type.Boolean(),
})

const userPayload = Closed({ userId: Id })

const by = <S extends TSchema>(service: ServiceName, payload: S) => ({ service, payload })

export const EVENTS = {
  'order.created': by('orders', orderPayload),
  'order.reserving': by('orders', orderPayload),
  'order.authorizing': by('orders', orderPayload),
  /** The customer is asked: `reason` is what for (`shortage_decision`, `payment_action`, `payment_method`). */
  'order.awaiting_customer': by('orders', orderPayload),
  'order.amending': by('orders', orderPayload),
  /** Its lines, address or totals have changed: by an amendment, or because less is sold than was ordered. */
  'order.revised': by('orders', orderPayload),
  'order.confirmed': by('orders', orderPayload),
  'order.fulfilling': by('orders', orderPayload),
  'order.completed': by('orders', orderPayload),
  'order.rejected': by('orders', orderPayload),
  'order.cancelling': by('orders', orderPayload),
  'order.cancelled': by('orders', orderPayload),
  'order.attention_raised': by('orders', attentionPayload),
  'order.attention_cleared': by('orders', attentionPayload),

  'return.requested': by('orders', returnPayload),
  'return.approved': by('orders', returnPayload),
  'return.rejected': by('orders', returnPayload),
  'return.received': by('orders', returnPayload),
  'return.refunded': by('orders', returnPayload),
  'return.cancelled': by('orders', returnPayload),
  'reconciliation.found': by('orders', FindingPayload),

  'product.changed': by('inventory', productPayload),
  'stock.adjusted': by(
    'inventory',
    Closed({ sku: Sku, warehouse: WarehouseCode, delta: Type.Integer(), reason: Type.String() }),
  ),
  'reservation.held': by('inventory', Closed({ ...reservationPayload.properties, expiresAt: Timestamp })),
  'reservation.refused': by('inventory', Closed({ orderId: Id, skus: Type.Array(Sku) })),
  /** Waits for stock, in the order in which orders came. */
  'reservation.backordered': by('inventory', Closed({ orderId: Id, skus: Type.Array(Sku) })),
  /** Holds or commits other lines than before: an amendment. */
  'reservation.changed': by('inventory', reservationPayload),
  'reservation.committed': by('inventory', reservationPayload),
  'reservation.shipped': by('inventory', reservationPayload),
  'reservation.released': by('inventory', reservationPayload),
  /** Its time was up and nobody's workflow claimed it. */
  'reservation.expired': by('inventory', reservationPayload),
  'stock.restocked': by(
    'inventory',
    Closed({
      returnId: Id,
      orderId: Id,
      warehouse: WarehouseCode,
      lines: Type.Array(SkuQuantity),
      writtenOff: Type.Boolean(),
    }),
  ),

  'payment.created': by('payments', paymentPayload),
  'payment.authorized': by('payments', paymentPayload),
  /** The customer must approve it at the provider's page first. */
  'payment.requires_action': by('payments', paymentPayload),
  'payment.declined': by('payments', paymentPayload),
  'payment.captured': by('payments', paymentPayload),
  'payment.voided': by('payments', paymentPayload),
  'payment.refunded': by('payments', paymentPayload),
  /** The authorization ran out before it was captured. */
  'payment.expired': by('payments', paymentPayload),
  /** The customer's bank takes the money back, or gives it back again (`code`: opened, won, lost). */
  'payment.disputed': by('payments', paymentPayload),

  'shipment.created': by('shipping', shipmentPayload),
  'shipment.booked': by('shipping', shipmentPayload),
  'shipment.dispatched': by('shipping', shipmentPayload),
  'shipment.delivered': by('shipping', shipmentPayload),
  'shipment.lost': by('shipping', shipmentPayload),
  'shipment.cancelled': by('shipping', shipmentPayload),

  'user.registered': by('users', userPayload),
  'user.changed': by('users', userPayload),
  'user.roles_changed': by('users', Closed({ userId: Id, roles: Type.Array(Role) })),
  /**
   * Access tokens of this user that were issued before `before` are void: those of one session where it is named
   * (logout, refresh reuse), all of them otherwise (change of password or roles, disabling, erasure).
   */
  'user.sessions_revoked': by(
    'users',
    Closed({ userId: Id, sessionId: Type.Optional(Id), before: Timestamp, reason: Type.String() }),
  ),
  'user.api_key_revoked': by('users', Closed({ userId: Id, keyId: Id })),
  'user.disabled': by('users', userPayload),
  'user.erased': by('users', userPayload),
} as const

export type EventType = keyof typeof EVENTS
export type EventPayload<T extends EventType> = Static<(typeof EVENTS)[T]['payload']>

/** An event as it travels: the body of the message. */
export interface DomainEvent<T extends EventType = EventType> {
  eventId: string
  eventType: T
  aggregateId: string
  timestamp: string
  version: number
  payload: EventPayload<T>
}

/** Any event, discriminated by its type: `switch (event.eventType)` narrows the payload. */
export type AnyDomainEvent = { [T in EventType]: DomainEvent<T> }[EventType]

export const EventEnvelope = Type.Object(
  {
    eventId: Id,
    eventType: Type.String(),
    aggregateId: Type.String({ minLength: 1, maxLength: 100 }),
    timestamp: Timestamp,
    version: Type.Integer({ minimum: 1 }),
    payload: Type.Unknown(),
  },
  { additionalProperties: false },
)

export const isEventType = (type: string): type is EventType => Object.hasOwn(EVENTS, type)

/** The one stream that holds every domain event. */
export const EVENT_STREAM = 'EVENTS'
/**
 * Where an event goes that a consumer could not handle: `dlq.<service>.<consumer>`. What became of a letter that was sent
 * again is there too: `dlq.<service>.<consumer>.redriven.<letter>`.
 */
export const DEAD_LETTER_STREAM = 'DEAD_LETTERS'
/** Requests to send a dead letter to its consumer again: `redrive.<service>.<consumer>.<letter>`. */
export const REDRIVE_STREAM = 'REDRIVE'

/** `evt.<service>.<eventType>.<aggregateId>`, e.g. `evt.orders.order.created.0192…`. */
export const subjectOf = (type: EventType, aggregateId: string): string =>
  `evt.${EVENTS[type].service}.${type}.${aggregateId}`

/** The subject filter for all events of one type: `evt.payments.payment.declined.>`. */
export const subjectsOfType = (type: EventType): string => `evt.${EVENTS[type].service}.${type}.>`

/** The subject filter for all events of one kind of aggregate: `evt.payments.payment.>`. */
export const subjectsOf = (aggregate: string, service: ServiceName): string => `evt.${service}.${aggregate}.>`
