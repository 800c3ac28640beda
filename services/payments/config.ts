import Type from 'typebox'
import { databaseConfig } from '#platform/config.ts'
import { serviceConfig } from '#platform/service.ts'

/** The variables of the payments service. */
export const paymentsConfig = Type.Object({
  ...serviceConfig,
  ...databaseConfig,
  PAYMENT_PROVIDER: Type.String({
    default: 'sandbox',
    pattern: '^[a-z]{2,30}$',
    description:
      'payment provider: a folder of services/payments/providers, whose config.ts has its variables',
  }),
  PROVIDER_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    default: 8_000,
    description: 'how long the provider may take to answer',
  }),
  ATTEMPT_MARGIN_MS: Type.Integer({
    minimum: 0,
    default: 2_000,
    description: "after the provider's time is up, how long an attempt still counts as in flight",
  }),
  WEBHOOK_POLL_MS: Type.Integer({
    minimum: 10,
    default: 1_000,
    description: 'how often stored webhooks are looked at',
  }),
  REFUND_POLL_MS: Type.Integer({
    minimum: 10,
    default: 5_000,
    description: 'how often refunds that the provider has not answered are carried on',
  }),
  SETTLE_AFTER_SECONDS: Type.Integer({
    minimum: 0,
    default: 60,
    description: 'how long an outcome is unknown before the reconciliation asks for it',
  }),
})
