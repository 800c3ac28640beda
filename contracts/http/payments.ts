/** Payments: the payments service's public routes. */
import Type, { type Static } from 'typebox'
import { ATTEMPT, PAYMENT, statesOf } from '../states.ts'
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
  method: Type.Object({
    brand: Type.Union([Type.String(), Type.Null()]),
    last4: Type.Union([Type.String(), Type.Null()]),
  }),
  attempts: Type.Array(PaymentAttempt),
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

/** The provider's webhook: the raw body is verified against the signature before it is looked at. */
export const paymentWebhook = route({
  method: 'POST',
  url: '/api/v1/webhooks/payments/:sender',
  summary: "The payment provider's signed events",
  tag: 'webhooks',
  access: 'anyone',
  schema: webhookSchema,
})
