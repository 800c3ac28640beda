import Type from 'typebox'
import { DEFAULT_PORTS } from '#contracts/services.ts'
import { Port, processConfig } from '#platform/config.ts'

const Milliseconds = (fallback: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 86_400_000, default: fallback, description })

const Hours = (fallback: number, description: string) =>
  Type.Number({ exclusiveMinimum: 0, maximum: 87_600, default: fallback, description })

export const providerConfig = Type.Object({
  PROVIDER_PORT: Port(DEFAULT_PORTS.provider),
  PROVIDER_API_KEY: Type.String({ minLength: 1, description: 'who sends it as a bearer token may call' }),
  PROVIDER_LEDGER: Type.String({
    default: '.mainstay/sandbox/provider.jsonl',
    description: 'file: everything that happened, append-only',
  }),
  PROVIDER_WEBHOOK_URL: Type.Optional(
    Type.String({ pattern: '^https?://', description: 'where webhooks go; none without it' }),
  ),
  PROVIDER_WEBHOOK_SECRET: Type.Optional(Type.String({ minLength: 1, description: 'signs webhooks' })),
  PROVIDER_WEBHOOK_RETRY_MS: Milliseconds(500, 'wait before a webhook is tried again, then doubled'),
  PROVIDER_MULTICAPTURE: Type.Boolean({
    default: true,
    description: 'several captures per authorization; otherwise the first one releases the rest',
  }),
  PROVIDER_KEY_LIFETIME_HOURS: Hours(24, 'how long an idempotency key is known'),
  PROVIDER_AUTHORIZATION_HOURS: Hours(168, 'how long an authorization holds'),
  PROVIDER_HANG_MS: Milliseconds(30_000, 'how long pm_sandbox_timeout_after_charge does not answer'),
  PROVIDER_SLOW_MS: Milliseconds(4_000, 'how long pm_sandbox_slow and the fault mode "slow" take'),
  HOST: processConfig.HOST,
  LOG_LEVEL: processConfig.LOG_LEVEL,
})
