/** What Stripe answers, as far as it is read here (API version 2024-06-20). */
import Type, { type Static } from 'typebox'
import { Amount } from '#contracts/schemas.ts'
import { parser } from '#platform/validation.ts'

const Maybe = <S extends Parameters<typeof Type.Array>[0]>(schema: S) =>
  Type.Optional(Type.Union([schema, Type.Null()]))

const Charge = Type.Object({
  amount_captured: Amount,
  /** It was authorized, or captured. */
  paid: Maybe(Type.Boolean()),
  disputed: Maybe(Type.Boolean()),
  payment_method_details: Maybe(
    Type.Object({
      card: Type.Optional(
        Type.Object({
          brand: Maybe(Type.String()),
          last4: Maybe(Type.String()),
          /** Unix seconds: until then it can be captured. */
          capture_before: Maybe(Type.Integer()),
        }),
      ),
    }),
  ),
})

const PaymentIntent = Type.Object({
  id: Type.String({ minLength: 1 }),
  object: Type.Literal('payment_intent'),
  amount: Amount,
  amount_capturable: Amount,
  status: Type.Enum([
    'requires_payment_method',
    'requires_confirmation',
    'requires_action',
    'processing',
    'requires_capture',
    'canceled',
    'succeeded',
  ]),
  metadata: Type.Record(Type.String(), Type.String()),
  /** Expanded; null before the first try, an id where it was not expanded. */
  latest_charge: Maybe(Type.Union([Type.String(), Charge])),
  last_payment_error: Maybe(
    Type.Object({ code: Type.Optional(Type.String()), decline_code: Type.Optional(Type.String()) }),
  ),
  next_action: Maybe(
    Type.Object({
      type: Type.String(),
      redirect_to_url: Maybe(Type.Object({ url: Maybe(Type.String()) })),
    }),
  ),
})
export type PaymentIntent = Static<typeof PaymentIntent>

const Refund = Type.Object({
  id: Type.String(),
  object: Type.Literal('refund'),
  amount: Amount,
  status: Maybe(Type.String()),
  balance_transaction: Type.Optional(Type.Unknown()),
  metadata: Maybe(Type.Record(Type.String(), Type.String())),
})
export type Refund = Static<typeof Refund>

const Dispute = Type.Object({ id: Type.String(), amount: Amount, status: Type.String() })
export type Dispute = Static<typeof Dispute>

const ApiError = Type.Object({
  error: Type.Object({
    type: Type.String(),
    code: Type.Optional(Type.String()),
    decline_code: Type.Optional(Type.String()),
    param: Type.Optional(Type.String()),
  }),
})
export type ApiError = Static<typeof ApiError>['error']

/** A webhook's event: what it is about is a PaymentIntent, or belongs to one. */
const Event = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 200 }),
  data: Type.Object({
    object: Type.Object({
      id: Type.Optional(Type.String({ maxLength: 200 })),
      object: Type.String(),
      payment_intent: Maybe(Type.String({ maxLength: 200 })),
      metadata: Maybe(Type.Record(Type.String(), Type.Unknown())),
    }),
  }),
})

export const parsePaymentIntent = parser('a PaymentIntent', PaymentIntent)
export const parseRefund = parser('a refund', Refund)
export const parseRefunds = parser('a list of refunds', Type.Object({ data: Type.Array(Refund) }))
export const parseDisputes = parser('a list of disputes', Type.Object({ data: Type.Array(Dispute) }))
export const parseError = parser('an error', ApiError)
export const parseEvent = parser('a webhook', Event)
