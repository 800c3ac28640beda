/** Parts of ledger entries that both outside processes write. */
import Type, { type Static } from 'typebox'
import { Closed, Timestamp } from '#contracts/schemas.ts'

export const StoredAnswer = Closed({
  status: Type.Integer(),
  contentType: Type.String(),
  body: Type.Unknown(),
})
export type StoredAnswer = Static<typeof StoredAnswer>

/** The request that caused an entry, by its idempotency key, and the answer it got: effect and answer are one line. */
export const KeyedRequest = Closed({ key: Type.String(), fingerprint: Type.String(), answer: StoredAnswer })
export type KeyedRequest = Static<typeof KeyedRequest>

/** What the webhook of an entry says, exactly as it is sent. */
export const WebhookEvent = Closed({
  id: Type.String(),
  type: Type.String(),
  createdAt: Timestamp,
  data: Type.Record(
    Type.String(),
    Type.Union([Type.String(), Type.Record(Type.String(), Type.Union([Type.String(), Type.Integer()]))]),
  ),
})
export type WebhookEvent = Static<typeof WebhookEvent>

/** One try to deliver a webhook. */
export const WebhookEntry = Closed({
  type: Type.Literal('webhook'),
  at: Timestamp,
  eventId: Type.String(),
  reference: Type.String(),
  attempt: Type.Integer({ minimum: 1 }),
  outcome: Type.Enum(['delivered', 'failed', 'abandoned']),
  detail: Type.String(),
})
export type WebhookEntry = Static<typeof WebhookEntry>
