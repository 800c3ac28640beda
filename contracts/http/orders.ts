/** Orders: the orders service's public routes. */
import Type, { type Static } from 'typebox'
import { ORDER, PAYMENT, REJECTION_REASONS, statesOf } from '../states.ts'
import {
  Address,
  Amount,
  Closed,
  Currency,
  Id,
  MAX_ORDER_LINES,
  Page,
  PageQuery,
  Quantity,
  Sku,
  Timestamp,
  Version,
} from '../schemas.ts'
import { Shipment } from './shipping.ts'
import { Return } from './returns.ts'
import { route } from './route.ts'

const IdParams = Closed({ id: Id })
/** What a provider's token looks like; anything else is `payment_method_unknown`. */
export const PAYMENT_METHOD = /^(?!.*(?:\d_?){12})[A-Za-z][A-Za-z0-9_]{2,99}$/

const PaymentMethod = Type.String({
  maxLength: 100,
  description: "the payment provider's token; card numbers never come here",
  examples: ['pm_card_visa'],
})

const Lines = Type.Array(Closed({ sku: Sku, quantity: Quantity }), {
  minItems: 1,
  maxItems: MAX_ORDER_LINES,
})

export const PlaceOrderBody = Closed({
  lines: Lines,
  shippingAddress: Address,
  paymentMethod: PaymentMethod,
  onShortage: Type.Optional(
    Type.Enum(['ask', 'reject', 'ship_available', 'backorder'], {
      default: 'reject',
      description:
        'when there is not enough stock: ask me, reject the order, send what there is, or wait until there is enough',
    }),
  ),
  expectedTotal: Type.Optional(Amount),
})
export type PlaceOrderBody = Static<typeof PlaceOrderBody>

const QuoteBody = Closed({ lines: Lines, shippingAddress: Address })
export type QuoteBody = Static<typeof QuoteBody>

export const OrderLine = Type.Object({
  sku: Sku,
  name: Type.String(),
  quantity: Quantity,
  unitPrice: Amount,
  total: Amount,
  tax: Amount,
  fulfilled: Type.Integer({
    description: 'units that are on their way or have arrived; not those of a parcel that was lost',
  }),
  returned: Type.Integer(),
})

export type OrderLine = Static<typeof OrderLine>

const totals = { currency: Currency, subtotal: Amount, tax: Amount, shipping: Amount, total: Amount }

export const Quote = Type.Object({
  lines: Type.Array(Type.Omit(OrderLine, ['fulfilled', 'returned'])),
  ...totals,
})
export type Quote = Static<typeof Quote>

export const OrderAction = Type.Enum(['cancel', 'amend', 'decide', 'change_payment_method', 'return'])

export const Order = Type.Object({
  id: Id,
  number: Type.String({ examples: ['M-100001'] }),
  customerId: Id,
  status: Type.Enum(statesOf(ORDER)),
  statusReason: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()], {
    description:
      `Why it is rejected (${REJECTION_REASONS.map((reason) => `\`${reason}\``).join(', ')}), cancelling or cancelled ` +
      '(`cancelled`), or goes on with fewer parcels after a cancellation (`partly_cancelled`). Codes may be added.',
  }),
  needsAttention: Type.Boolean(),
  ...totals,
  lines: Type.Array(OrderLine),
  shippingAddress: Address,
  payment: Type.Object({
    status: Type.Enum(statesOf(PAYMENT)),
    authorized: Amount,
    captured: Amount,
    refunded: Amount,
    method: Type.Object({
      brand: Type.Union([Type.String(), Type.Null()]),
      last4: Type.Union([Type.String(), Type.Null()]),
    }),
  }),
  fulfilment: Type.Object({
    status: Type.Enum(['none', 'in_progress', 'partially_dispatched', 'dispatched', 'delivered']),
  }),
  shipments: Type.Array(Shipment),
  returns: Type.Array(Return),
  waitingFor: Type.Union([
    Type.Object({
      what: Type.Enum(['shortage_decision', 'payment_action', 'payment_method', 'stock', 'operator']),
      until: Type.Union([Timestamp, Type.Null()]),
      url: Type.Optional(Type.String()),
    }),
    Type.Null(),
  ]),
  actions: Type.Array(OrderAction),
  version: Version,
  createdAt: Timestamp,
  updatedAt: Timestamp,
})
export type Order = Static<typeof Order>

export const TimelineEntry = Type.Object({
  at: Timestamp,
  kind: Type.Enum(['request', 'step', 'event', 'payment', 'parcel', 'operator']),
  name: Type.String(),
  status: Type.String(),
  detail: Type.Union([Type.String(), Type.Null()]),
  traceId: Type.Union([Type.String(), Type.Null()]),
})
export type TimelineEntry = Static<typeof TimelineEntry>

/** Each event's data is a timeline entry as JSON. */
const EventStream = Type.Unsafe<unknown>({ type: 'string', description: 'text/event-stream' })

export const placeOrder = route({
  method: 'POST',
  url: '/api/v1/orders',
  summary: 'Place an order; it is accepted once answered',
  tag: 'orders',
  access: ['customer'],
  scope: 'orders:write',
  idempotency: 'required',
  schema: { body: PlaceOrderBody, response: { 201: Order } },
})

export const quoteOrder = route({
  method: 'POST',
  url: '/api/v1/quotes',
  summary: 'What an order would cost now',
  tag: 'orders',
  access: ['customer'],
  scope: 'orders:read',
  idempotency: 'unused',
  schema: { body: QuoteBody, response: { 200: Quote } },
})

export const listOrders = route({
  method: 'GET',
  url: '/api/v1/orders',
  summary: 'My orders; all of them for an operator. Newest first',
  tag: 'orders',
  access: ['customer', 'operator', 'admin'],
  scope: 'orders:read',
  schema: {
    querystring: Closed({
      ...PageQuery,
      status: Type.Optional(Type.Enum(statesOf(ORDER))),
      customerId: Type.Optional(Id),
      createdAfter: Type.Optional(Timestamp),
      createdBefore: Type.Optional(Timestamp),
      needsAttention: Type.Optional(Type.Boolean()),
    }),
    response: { 200: Page(Order) },
  },
})

export const readOrder = route({
  method: 'GET',
  url: '/api/v1/orders/:id',
  summary: 'One order, whole',
  tag: 'orders',
  access: ['customer', 'operator', 'admin'],
  scope: 'orders:read',
  schema: { params: IdParams, response: { 200: Order } },
})

export const readTimeline = route({
  method: 'GET',
  url: '/api/v1/orders/:id/timeline',
  summary: 'Everything that happened to an order, in order',
  tag: 'orders',
  access: ['customer', 'operator', 'admin'],
  scope: 'orders:read',
  schema: { params: IdParams, querystring: Closed(PageQuery), response: { 200: Page(TimelineEntry) } },
})

export const streamTimeline = route({
  method: 'GET',
  url: '/api/v1/orders/:id/events',
  summary: 'The timeline as it happens: server-sent events named `timeline`; Last-Event-ID resumes',
  tag: 'orders',
  access: ['customer', 'operator', 'admin'],
  scope: 'orders:read',
  stream: true,
  schema: { params: IdParams, response: { 200: EventStream } },
})

export const cancelOrder = route({
  method: 'POST',
  url: '/api/v1/orders/:id/cancel',
  summary: 'Cancel an order; what was done for it is undone',
  tag: 'orders',
  access: ['customer', 'operator', 'admin'],
  scope: 'orders:write',
  idempotency: 'optional',
  ifMatch: 'order',
  schema: {
    params: IdParams,
    body: Closed({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) }),
    response: { 202: Order },
  },
})

export const decideOrder = route({
  method: 'POST',
  url: '/api/v1/orders/:id/decisions',
  summary: 'Answer to a shortage: cancel, send what there is, or wait for stock',
  tag: 'orders',
  access: ['customer'],
  scope: 'orders:write',
  idempotency: 'optional',
  ifMatch: 'order',
  schema: {
    params: IdParams,
    body: Closed({ decision: Type.Enum(['cancel', 'ship_available', 'wait']) }),
    response: { 202: Order },
  },
})

export const changePaymentMethod = route({
  method: 'POST',
  url: '/api/v1/orders/:id/payment-method',
  summary: 'Pay by other means after a decline',
  tag: 'orders',
  access: ['customer'],
  scope: 'orders:write',
  idempotency: 'optional',
  ifMatch: 'order',
  schema: { params: IdParams, body: Closed({ paymentMethod: PaymentMethod }), response: { 202: Order } },
})

export const amendOrder = route({
  method: 'POST',
  url: '/api/v1/orders/:id/amendments',
  summary: 'Change what is ordered, or where it is sent, before parcels are packed; all of it or nothing',
  tag: 'orders',
  access: ['customer'],
  scope: 'orders:write',
  idempotency: 'required',
  ifMatch: 'order',
  schema: {
    params: IdParams,
    body: Closed(
      { lines: Type.Optional(Lines), shippingAddress: Type.Optional(Address) },
      { minProperties: 1 },
    ),
    /** 200: it is the order now. 202: it is taken and waits its turn; the order's timeline will tell. */
    response: { 200: Order, 202: Order },
  },
})
