/** What the sandbox provider answers, as far as it is read here. */
import Type, { type Static } from 'typebox'
import { Amount, Timestamp } from '#contracts/schemas.ts'
import { parser } from '#platform/validation.ts'
import type { ProviderAuthorization, ProviderEvent } from '../provider.ts'

const Status = Type.Enum(['authorized', 'declined', 'requires_action', 'voided', 'expired'])

const Authorization = Type.Object({
  id: Type.String({ minLength: 1 }),
  status: Status,
  amount: Amount,
  captured: Amount,
  refunded: Amount,
  released: Amount,
  reference: Type.String(),
  method: Type.Object({
    brand: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    last4: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
  declineCode: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  nextAction: Type.Optional(Type.Object({ url: Type.String({ pattern: '^https?://' }) })),
  expiresAt: Timestamp,
  disputes: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String({ minLength: 1 }),
        amount: Type.Integer({ minimum: 1 }),
        status: Type.Enum(['open', 'won', 'lost']),
      }),
    ),
  ),
})

const parseOne = parser('an authorization', Authorization)
const parseList = parser('a list of authorizations', Type.Object({ data: Type.Array(Authorization) }))

/** A refusal: a problem with its code, or a declined authorization with its reason. */
const parseRefusalBody = parser(
  'a refusal',
  Type.Object({
    code: Type.Optional(Type.String()),
    declineCode: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
)

const parseWebhook = parser(
  'a webhook',
  Type.Object({
    id: Type.String({ minLength: 1, maxLength: 200 }),
    data: Type.Object({
      reference: Type.String({ maxLength: 200, pattern: '^[^\\u0000]*$' }),
      authorizationId: Type.Optional(Type.String({ maxLength: 200, pattern: '^[^\\u0000]*$' })),
      /** How far the authorization was; not told of disputes. */
      figures: Type.Optional(
        Type.Object({ status: Status, captured: Amount, refunded: Amount, released: Amount }),
      ),
    }),
  }),
)

const STATES = {
  authorized: 'approved',
  declined: 'declined',
  requires_action: 'requires_action',
  voided: 'closed',
  expired: 'closed',
} as const

/** @throws ValidationError when the body is no event */
export function parseEvent(body: unknown): ProviderEvent {
  const { id, data } = parseWebhook(body)
  const { figures, ...about } = data
  if (figures === undefined) return { id, ...about }
  const { status, captured, refunded, released } = figures
  return { id, ...about, figures: { state: STATES[status], captured, refunded, released } }
}

/** @throws ValidationError when the answer is no authorization */
export const parseAuthorization = (body: unknown): ProviderAuthorization => toAuthorization(parseOne(body))

/** @throws ValidationError when the answer is no list of authorizations */
export const parseAuthorizations = (body: unknown): ProviderAuthorization[] =>
  parseList(body).data.map(toAuthorization)

/** @throws ValidationError when the body is no object */
export function parseRefusal(body: unknown): string {
  const { code, declineCode } = parseRefusalBody(body)
  return declineCode ?? code ?? 'refused'
}

function toAuthorization(found: Static<typeof Authorization>): ProviderAuthorization {
  const { id, reference, status, amount, captured, refunded, released, method } = found
  return {
    id,
    reference,
    state: STATES[status],
    amount,
    captured,
    refunded,
    released,
    brand: method.brand ?? null,
    last4: method.last4 ?? null,
    declineCode: found.declineCode ?? null,
    actionUrl: found.nextAction?.url ?? null,
    expiresAt: found.expiresAt,
    disputes: found.disputes ?? [],
  }
}
