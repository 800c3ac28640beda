/** Payments: the payments service's public routes. */
import Type, { type Static } from 'typebox'
import { ATTEMPT, PAYMENT, statesOf } from '../states.ts'
import { MAX_AMOUNT } from '../money.ts'
import { Amount, Closed, Currency, Id, Timestamp } from '../schemas.ts'
import { route } from './route.ts'
import { webhookSchema } from './webhook.ts'

export const PaymentAttempt = Type.Object({
  operation: Type.Enum(['authorize', 'capture', 'void', 'refund']),
  status: Type.Enum(statesOf(ATTEMPT)),
  amount: Amount,
  errorCode: Type.Union([Type.String(), Type.Null()]),
  createdAt: Timestamp,
})

/** Money that the provider holds or held: one authorization for the order, or one for each parcel. */
const Authorization = Type.Object({
  /** Null where it is for all parcels. */
  shipmentId: Type.Union([Id, Type.Null()]),
  status: Type.Enum(['created', 'requires_action', 'authorized', 'declined', 'voided', 'expired']),
  /** What was superseded does not count any more, a candidate (an amendment's) not yet. */
  standing: Type.Enum(['candidate', 'current', 'superseded']),
  amount: Amount,
  captured: Amount,
  refunded: Amount,
  released: Amount,
  expiresAt: Type.Union([Timestamp, Type.Null()]),
})

export const Refund = Type.Object({
  id: Id,
  amount: Amount,
  reason: Type.String(),
  /** Pending: the provider has not answered yet; it is asked until it does. */
  status: Type.Enum(['pending', 'succeeded', 'refused']),
  code: Type.Union([Type.String(), Type.Null()]),
  createdAt: Timestamp,
})
export type Refund = Static<typeof Refund>

export const Payment = Type.Object({
  id: Id,
  orderId: Id,
  status: Type.Enum(statesOf(PAYMENT)),
  currency: Currency,
  amount: Amount,
  authorized: Amount,
  captured: Amount,
  refunded: Amount,
  released: Amount,
  /** What the customer's bank has taken back, for now or for good. */
  disputed: Amount,
  method: Type.Object({
    brand: Type.Union([Type.String(), Type.Null()]),
    last4: Type.Union([Type.String(), Type.Null()]),
  }),
  authorizations: Type.Array(Authorization),
  attempts: Type.Array(PaymentAttempt),
  refunds: Type.Array(Refund),
  createdAt: Timestamp,
})
export type Payment = Static<typeof Payment>

export const listPayments = route({
  method: 'GET',
  url: '/api/v1/orders/:id/payments',
  summary: "An order's payments with every attempt",
  tag: 'payments',
  access: ['customer', 'operator', 'admin'],
  scope: 'orders:read',
  schema: {
    params: Closed({ id: Id }),
    response: { 200: Type.Object({ data: Type.Array(Payment), nextCursor: Type.Null() }) },
  },
})

const RefundBody = Closed({
  amount: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_AMOUNT,
      description: 'minor units; all that is left without it',
    }),
  ),
  reason: Type.String({ minLength: 1, maxLength: 500 }),
})

export const createRefund = route({
  method: 'POST',
  url: '/api/v1/orders/:id/refunds',
  summary: 'Give money back, all or a part',
  tag: 'payments',
  access: ['operator', 'admin'],
  scope: 'orders:write',
  idempotency: 'required',
  ifMatch: 'order',
  schema: { params: Closed({ id: Id }), body: RefundBody, response: { 201: Refund } },
})

/** The provider's webhook: the raw body is verified against the signature before it is looked at. */
export const paymentWebhook = route({
  method: 'POST',
  url: '/api/v1/webhooks/payments/:provider',
  summary: "The payment provider's signed events",
  tag: 'webhooks',
  access: 'anyone',
  idempotency: 'unused',
  schema: webhookSchema,
})
