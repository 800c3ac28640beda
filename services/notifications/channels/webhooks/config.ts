import Type from 'typebox'

export const webhooksConfig = {
  WEBHOOK_MASTER_SECRET: Type.String({
    minLength: 32,
    description: "what the secrets of merchants' webhook endpoints are derived from",
  }),
  WEBHOOK_ALLOW_LOOPBACK: Type.Boolean({
    default: false,
    description:
      'takes webhook endpoints on this machine itself (127.0.0.0/8 and ::1), there also with http and any port; other ' +
      'private addresses stay refused. For the local stack only: never where strangers can make endpoints',
  }),
  WEBHOOK_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    maximum: 20_000,
    default: 10_000,
    description: 'how long a webhook endpoint may take to answer',
  }),
  WEBHOOK_DISABLE_AFTER_DAYS: Type.Integer({
    minimum: 1,
    default: 5,
    description: 'days of failures after which a webhook endpoint is disabled',
  }),
  WEBHOOK_ENDPOINTS_LIMIT: Type.Integer({
    minimum: 1,
    maximum: 100,
    default: 20,
    description: 'webhook endpoints at the most',
  }),
}
