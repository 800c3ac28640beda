import Type from 'typebox'

/** The variables of the sandbox's adapter. */
export const sandboxConfig = Type.Object({
  PROVIDER_URL: Type.String({ pattern: '^https?://', description: "the payment provider's API" }),
  PROVIDER_API_KEY: Type.String({ minLength: 1, description: 'key for calls to the payment provider' }),
  PROVIDER_WEBHOOK_SECRET: Type.String({
    minLength: 16,
    description: "secret of the provider's webhook signatures",
  }),
  PROVIDER_MULTICAPTURE: Type.Boolean({
    default: true,
    description: 'whether an authorization takes several captures',
  }),
  PROVIDER_KEY_LIFETIME_HOURS: Type.Integer({
    minimum: 1,
    default: 24,
    description: 'for how long the provider knows an idempotency key',
  }),
})
