/** Merchants' webhooks: where the platform's events are sent to, and what became of them. */
import Type, { type Static } from 'typebox'
import { EVENTS, type EventType } from '../events.ts'
import { Closed, Id, Page, PageQuery, Timestamp } from '../schemas.ts'
import { route } from './route.ts'

/** Whose events leave the platform: accounts' and the reconciliation's do not. */
export const WEBHOOK_AGGREGATES = [
  'order',
  'return',
  'payment',
  'shipment',
  'reservation',
  'product',
  'stock',
] as const

const sent: ReadonlySet<string> = new Set(WEBHOOK_AGGREGATES)

/** The platform's own troubles with an order, in the words of whatever failed. `order.*` does not mean them. */
const INTERNAL: ReadonlySet<string> = new Set<EventType>([
  'order.attention_raised',
  'order.attention_cleared',
])

/** Whether merchants may hear of events of this type. */
export const leavesPlatform = (type: string): boolean =>
  sent.has(type.split('.', 1)[0] ?? '') && !INTERNAL.has(type)

const FILTERS = [
  ...WEBHOOK_AGGREGATES.map((aggregate) => `${aggregate}.*`),
  ...Object.keys(EVENTS).filter(leavesPlatform),
]

export const EventFilter = Type.Enum(FILTERS)
export const isEventFilter = (text: string): boolean => FILTERS.includes(text)

const Url = Type.String({ minLength: 1, maxLength: 2048, description: 'https, reachable from the internet' })
const Description = Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000-\\u001f]*$' })

export const WebhookEndpoint = Type.Object({
  id: Id,
  url: Url,
  events: Type.Array(EventFilter),
  description: Type.Union([Description, Type.Null()]),
  status: Type.Enum(['enabled', 'disabled']),
  /** Why it gets nothing any more: it failed for days, or answered 410. */
  disabledReason: Type.Union([Type.Enum(['failing', 'gone']), Type.Null()]),
  failingSince: Type.Union([Timestamp, Type.Null()], {
    description: 'the first failure since the last success',
  }),
  createdAt: Timestamp,
})
export type WebhookEndpoint = Static<typeof WebhookEndpoint>

const CreatedWebhookEndpoint = Type.Object({
  ...WebhookEndpoint.properties,
  secret: Type.String({ description: 'whsec_…, shown this once; verifies the webhook-signature header' }),
})
export type CreatedWebhookEndpoint = Static<typeof CreatedWebhookEndpoint>

export const AttemptError = Type.Enum([
  'status',
  'redirect',
  'timeout',
  'address_refused',
  'unreachable',
  'tls',
])
export type AttemptError = Static<typeof AttemptError>

export const WebhookAttempt = Type.Object({
  eventId: Id,
  eventType: Type.String(),
  at: Timestamp,
  outcome: Type.Enum(['delivered', 'failed']),
  responseStatus: Type.Union([Type.Integer(), Type.Null()]),
  error: Type.Union([AttemptError, Type.Null()]),
  durationMs: Type.Integer(),
  nextAttemptAt: Type.Union([Timestamp, Type.Null()], {
    description: 'null when it was delivered, or when nobody tries again',
  }),
})
export type WebhookAttempt = Static<typeof WebhookAttempt>

const operators = { tag: 'webhook-endpoints', access: ['operator', 'admin'] } as const
const IdParams = Closed({ id: Id })

export const createWebhookEndpoint = route({
  ...operators,
  method: 'POST',
  url: '/api/v1/webhook-endpoints',
  summary: 'Send events to an address, signed as Standard Webhooks; the secret is shown once',
  idempotency: 'refused',
  schema: {
    body: Closed({
      url: Url,
      events: Type.Optional(
        Type.Array(EventFilter, {
          minItems: 1,
          uniqueItems: true,
          description:
            'types, or all of an aggregate that leave the platform (`order.*`); without this everything that does',
        }),
      ),
      description: Type.Optional(Description),
    }),
    response: { 201: CreatedWebhookEndpoint },
  },
})

export const listWebhookEndpoints = route({
  ...operators,
  method: 'GET',
  url: '/api/v1/webhook-endpoints',
  summary: 'Where events are sent to',
  schema: { querystring: Closed(PageQuery), response: { 200: Page(WebhookEndpoint) } },
})

export const removeWebhookEndpoint = route({
  ...operators,
  method: 'DELETE',
  url: '/api/v1/webhook-endpoints/:id',
  summary: 'Send nothing there any more; what still waits is dropped',
  idempotency: 'refused',
  schema: { params: IdParams, response: { 204: Type.Null() } },
})

export const listWebhookAttempts = route({
  ...operators,
  method: 'GET',
  url: '/api/v1/webhook-endpoints/:id/attempts',
  summary: 'The last hundred attempts to send there, the newest first',
  schema: {
    params: IdParams,
    querystring: Closed(PageQuery),
    response: { 200: Page(WebhookAttempt) },
  },
})
