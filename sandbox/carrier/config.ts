import Type from 'typebox'
import { DEFAULT_PORTS } from '#contracts/services.ts'
import { Port, processConfig } from '#platform/config.ts'

/** Milliseconds up to a day, or by hand. */
const Wait = (fallback: string, description: string) =>
  Type.String({ pattern: '^([0-9]{1,8}|manual)$', default: fallback, description })

export const carrierConfig = Type.Object({
  CARRIER_PORT: Port(DEFAULT_PORTS.carrier),
  CARRIER_API_KEY: Type.String({ minLength: 1, description: 'who sends it as a bearer token may call' }),
  CARRIER_LEDGER: Type.String({
    default: '.mainstay/sandbox/carrier.jsonl',
    description: 'file: everything that happened, append-only',
  }),
  CARRIER_WEBHOOK_URL: Type.Optional(
    Type.String({ pattern: '^https?://', description: 'where webhooks go; none without it' }),
  ),
  CARRIER_WEBHOOK_SECRET: Type.Optional(Type.String({ minLength: 1, description: 'signs webhooks' })),
  CARRIER_WEBHOOK_RETRY_MS: Type.Integer({
    minimum: 0,
    maximum: 86_400_000,
    default: 500,
    description: 'wait before a webhook is tried again, then doubled',
  }),
  CARRIER_DISPATCH_MS: Wait('2000', 'from booking to dispatch in milliseconds, or "manual"'),
  CARRIER_DELIVERY_MS: Wait('3000', 'from dispatch to delivery in milliseconds, or "manual"'),
  CARRIER_KEY_LIFETIME_HOURS: Type.Number({
    exclusiveMinimum: 0,
    maximum: 87_600,
    default: 24,
    description: 'how long an idempotency key is known',
  }),
  CARRIER_SLOW_MS: Type.Integer({
    minimum: 0,
    maximum: 86_400_000,
    default: 4_000,
    description: 'how long every call takes in the fault mode "slow"',
  }),
  HOST: processConfig.HOST,
  LOG_LEVEL: processConfig.LOG_LEVEL,
})

/** `manual` is no wait at all: somebody moves the parcel. */
export const waitOf = (value: string): number | undefined => (value === 'manual' ? undefined : Number(value))
