/** The named rate limits: how many calls a minute, and who is counted. */
export const LIMITS = {
  ip: { perMinute: 600, counts: 'address', for: 'everything from one address, before authentication' },
  orders: { perMinute: 100, counts: 'caller', for: '/api/v1/orders and below' },
  users: { perMinute: 200, counts: 'caller', for: '/api/v1/users and below' },
  auth: { perMinute: 60, counts: 'address', for: 'signing in and out and invitations, by address' },
  apiKeys: { perMinute: 60, counts: 'caller', for: '/api/v1/api-keys' },
  public: { perMinute: 300, counts: 'caller', for: 'products, quotes and public keys' },
  operations: {
    perMinute: 300,
    counts: 'caller',
    for: 'changing products, stock, warehouses, attention, webhook endpoints',
  },
  shipments: { perMinute: 300, counts: 'caller', for: '/api/v1/shipments and below' },
  webhooks: { perMinute: 6_000, counts: 'address', for: 'webhooks of one address, instead of `ip`' },
} as const satisfies Record<string, { perMinute: number; counts: 'address' | 'caller'; for: string }>

export type LimitName = keyof typeof LIMITS

/** The name as it stands in the RateLimit headers: `api-keys`. */
export const limitLabel = (name: LimitName): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
