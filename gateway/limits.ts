/** The named rate limits: how many calls a minute, and who is counted. Which calls, the route table says. */
export const LIMITS = {
  /** All that comes from one address, before anything else is known of it. */
  ip: { perMinute: 600, counts: 'address' },
  orders: { perMinute: 100, counts: 'caller' },
  users: { perMinute: 200, counts: 'caller' },
  auth: { perMinute: 60, counts: 'address' },
  apiKeys: { perMinute: 60, counts: 'caller' },
  public: { perMinute: 300, counts: 'caller' },
  operations: { perMinute: 300, counts: 'caller' },
  shipments: { perMinute: 300, counts: 'caller' },
  /** Instead of `ip`. */
  webhooks: { perMinute: 6_000, counts: 'address' },
} as const satisfies Record<string, { perMinute: number; counts: 'address' | 'caller' }>

export type LimitName = keyof typeof LIMITS

/** The name as it stands in the RateLimit headers: `api-keys`. */
export const limitLabel = (name: LimitName): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
