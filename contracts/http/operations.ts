/** What operators do: they answer what orders ask, and send again what a consumer gave up. */
import Type, { type Static } from 'typebox'
import { Closed, Id, Page, PageQuery, Timestamp } from '../schemas.ts'
import { Order } from './orders.ts'
import { route } from './route.ts'

export const Attention = Type.Object({
  orderId: Id,
  step: Type.String(),
  operation: Type.String(),
  error: Type.String(),
  attempts: Type.Integer(),
  since: Timestamp,
  actions: Type.Array(Type.Enum(['retry', 'resolve'])),
})
export type Attention = Static<typeof Attention>

export const listAttention = route({
  method: 'GET',
  url: '/api/v1/operations/attention',
  summary: 'Orders that wait for an operator',
  tag: 'operations',
  access: ['operator', 'admin'],
  schema: { querystring: Closed(PageQuery), response: { 200: Page(Attention) } },
})

export const operateOrder = route({
  method: 'POST',
  url: '/api/v1/orders/:id/operations',
  summary: 'Retry or resolve what an order waits for; audited',
  tag: 'operations',
  access: ['operator', 'admin'],
  idempotency: 'required',
  ifMatch: 'order',
  schema: {
    params: Closed({ id: Id }),
    body: Closed({
      action: Type.Enum(['retry', 'resolve']),
      note: Type.String({ minLength: 1, maxLength: 500 }),
      since: Type.Optional(
        Type.Unsafe<string>({
          ...Timestamp,
          description:
            'the `since` of the question that is answered; others are then left alone. Needed where several are open',
        }),
      ),
    }),
    response: { 202: Order },
  },
})

export const DEAD_LETTER_STATUSES = ['dead', 'redriving', 'redriven', 'failed_again'] as const

/** An event that a consumer gave up. What is null cannot be read from it: it is no event at all. */
export const DeadLetter = Type.Object({
  id: Type.String({ description: 'its number in the dead-letter stream' }),
  service: Type.String(),
  consumer: Type.String(),
  eventId: Type.Union([Type.String(), Type.Null()]),
  eventType: Type.Union([Type.String(), Type.Null()]),
  aggregateId: Type.Union([Type.String(), Type.Null()]),
  version: Type.Union([Type.Integer(), Type.Null()]),
  error: Type.String(),
  deliveries: Type.Integer(),
  since: Timestamp,
  status: Type.Enum([...DEAD_LETTER_STATUSES], {
    description: '`failed_again`: it is another letter now, whose `redriveOf` names this one',
  }),
  redrivenAt: Type.Union([Timestamp, Type.Null()]),
  redrivenBy: Type.Union([Type.String(), Type.Null()]),
  redriveOf: Type.Union([Type.String(), Type.Null()]),
})
export type DeadLetter = Static<typeof DeadLetter>

export const listDeadLetters = route({
  method: 'GET',
  url: '/api/v1/operations/dead-letters',
  summary: 'Events that a consumer gave up, the oldest first',
  tag: 'operations',
  access: ['operator', 'admin'],
  schema: {
    querystring: Closed({
      ...PageQuery,
      redriven: Type.Optional(
        Type.Boolean({ description: 'those that were sent again too', default: false }),
      ),
    }),
    response: { 200: Page(DeadLetter) },
  },
})

export const redriveDeadLetter = route({
  method: 'POST',
  url: '/api/v1/operations/dead-letters/:id/redrive',
  summary: 'Send an event to the consumer again that gave it up, and to no other',
  tag: 'operations',
  access: ['operator', 'admin'],
  idempotency: 'required',
  schema: {
    params: Closed({ id: Type.String({ pattern: '^[1-9][0-9]{0,14}$' }) }),
    body: Closed({}),
    response: { 202: DeadLetter },
  },
})
