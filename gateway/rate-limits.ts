/** Rate limits: counted in memory, or in Redis for several gateways. While Redis is away each gateway counts for itself. */
import { Redis } from 'ioredis'
import {
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  type RateLimiterAbstract,
} from 'rate-limiter-flexible'
import type { Logger } from '#platform/logger.ts'
import { ProblemError } from '#platform/problem.ts'
import { scopeOf } from './limit-scopes.ts'
import { limitLabel, type LimitName } from './limits.ts'

const WINDOW_SECONDS = 60
const REDIS_COMMAND_MS = 250
const REDIS_CONNECT_MS = 2_000
const REDIS_RETRY_MS = 500

/** Where one caller stands in one limit; `headers` are those of draft-ietf-httpapi-ratelimit-headers. */
export interface Standing {
  headers: { 'ratelimit-policy': string; ratelimit: string }
  /** Set when the call is one too many. */
  refusal: ProblemError | undefined
}

export interface RateLimits {
  /** Counts one call. Never rejects because a store is away. */
  consume(limit: LimitName, key: string): Promise<Standing>
  /** Answers when the shared store does; undefined where counts are local by choice. */
  probe: (() => Promise<string>) | undefined
  stop(): Promise<void>
}

export function createRateLimits({
  perMinute,
  redisUrl,
  logger,
}: {
  perMinute: Record<LimitName, number>
  redisUrl: string | undefined
  logger: Logger
}): RateLimits {
  const redis = redisUrl === undefined ? undefined : openRedis(redisUrl, logger)
  const limiters = new Map<LimitName, RateLimiterAbstract>()

  function limiterOf(name: LimitName): RateLimiterAbstract {
    const existing = limiters.get(name)
    if (existing !== undefined) return existing
    const created = createLimiter(name, perMinute[name], redis)
    limiters.set(name, created)
    return created
  }

  return {
    async consume(name, key) {
      const quota = perMinute[name]
      try {
        return standing(name, quota, await limiterOf(name).consume(key))
      } catch (refused) {
        if (refused instanceof RateLimiterRes) return standing(name, quota, refused, true)
        throw refused
      }
    },
    probe: redis === undefined ? undefined : () => ping(redis),
    async stop() {
      redis?.disconnect()
    },
  }
}

function createLimiter(name: LimitName, points: number, redis: Redis | undefined): RateLimiterAbstract {
  const options = { points, duration: WINDOW_SECONDS, keyPrefix: `mainstay:limit:${name}` }
  const local = new RateLimiterMemory(options)
  if (redis === undefined) return local
  return new RateLimiterRedis({
    ...options,
    storeClient: redis,
    insuranceLimiter: local,
    // nobody waits for a reconnect
    rejectIfRedisNotReady: true,
    // who is over the limit is refused from memory until the window ends
    inMemoryBlockOnConsumed: points + 1,
  })
}

function standing(name: LimitName, quota: number, result: RateLimiterRes, refused = false): Standing {
  const seconds = Math.max(1, Math.ceil(result.msBeforeNext / 1_000))
  const label = limitLabel(name)
  return {
    headers: {
      'ratelimit-policy': `"${label}";q=${quota};w=${WINDOW_SECONDS}`,
      ratelimit: `"${label}";r=${refused ? 0 : Math.max(0, result.remainingPoints)};t=${seconds}`,
    },
    refusal: refused
      ? new ProblemError('rate_limited', `At most ${quota} calls a minute: ${scopeOf(name)}.`, {
          retryAfter: seconds,
        })
      : undefined,
  }
}

function openRedis(url: string, logger: Logger): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: REDIS_COMMAND_MS,
    connectTimeout: REDIS_CONNECT_MS,
    retryStrategy: () => REDIS_RETRY_MS,
  })
  let away = false
  redis.on('error', (error: Error) => {
    if (!away) logger.warn({ err: error }, 'Redis is away: rate limits are counted in this process')
    away = true
  })
  redis.on('ready', () => {
    if (away) logger.info('Redis is back: rate limits are shared again')
    away = false
  })
  return redis
}

async function ping(redis: Redis): Promise<string> {
  if (redis.status !== 'ready') throw new Error('Redis is away; limits are counted in this process')
  await redis.ping()
  return 'limits are shared'
}
