/** What the shipping service reads from the environment. */
import Type from 'typebox'
import { databaseConfig } from '#platform/config.ts'
import { serviceConfig } from '#platform/service.ts'

export const shippingConfig = Type.Object({
  ...serviceConfig,
  ...databaseConfig,
  CARRIER: Type.String({
    default: 'sandbox',
    pattern: '^[a-z]{2,30}$',
    description: 'carrier: a folder of services/shipping/carriers',
  }),
  CARRIER_URL: Type.String({ pattern: '^https?://', description: "the carrier's API" }),
  CARRIER_API_KEY: Type.String({ minLength: 1, description: 'key for calls to the carrier' }),
  CARRIER_WEBHOOK_SECRET: Type.String({
    minLength: 16,
    description: "secret of the carrier's webhook signatures",
  }),
  CARRIER_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    default: 8_000,
    description: 'how long the carrier may take to answer',
  }),
  CARRIER_POLL_SECONDS: Type.Integer({
    minimum: 1,
    default: 30,
    description:
      'after how long the carrier is asked about a parcel of which no webhook came; then ever less often, at least hourly',
  }),
  WEBHOOK_POLL_MS: Type.Integer({
    minimum: 10,
    default: 1_000,
    description: 'how often stored webhooks are looked at',
  }),
})
