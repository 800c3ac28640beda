import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import { afterEach, describe, expect, inject, test, vi } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import { LIMITS } from './limits.ts'
import { createRateLimits } from './rate-limits.ts'
import { natsOf, startTestGateway, type TestGateway } from './testing/harness.ts'

const nats = natsOf(inject('infrastructure'))
const logger = createLogger({ service: 'test', level: 'silent' })
const running: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of running.splice(0)) await part.stop()
})

async function start(environment: Record<string, string>): Promise<TestGateway> {
  const gateway = await startTestGateway({ nats, environment })
  running.push(gateway)
  return gateway
}

const ask = (gateway: TestGateway, path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(gateway.url + path, { method, headers })

/** What the answer says of the limit that stands nearest, and in how many seconds that begins anew. */
function standing({ headers }: Response) {
  const [, used, seconds] = /^(.*);t=(\d+)$/.exec(headers.get('ratelimit') ?? '') ?? []
  return { used, seconds: Number(seconds) }
}

/** A minute after the first request, less what has passed since. */
function expectWindow(seconds: number, started: number): void {
  expect(seconds).toBeLessThanOrEqual(60)
  expect(seconds).toBeGreaterThanOrEqual(Math.max(1, 60 - Math.ceil((performance.now() - started) / 1_000)))
}

describe('the limit of a caller', () => {
  test('100 orders a minute unless told: the 101st is 429 and reaches no service', async () => {
    const gateway = await start({})
    const headers = { authorization: await gateway.bearer(['customer']) }
    const started = performance.now()
    const first = await ask(gateway, '/api/v1/orders', headers)
    expect(first.headers.get('ratelimit-policy')).toBe('"orders";q=100;w=60')
    expect(standing(first).used).toBe('"orders";r=99')
    expectWindow(standing(first).seconds, started)
    const rest = await Promise.all(Array.from({ length: 105 }, () => ask(gateway, '/api/v1/orders', headers)))
    const refused = rest.filter(({ status }) => status === 429)
    expect(rest.filter(({ status }) => status === 200)).toHaveLength(99)
    expect(refused).toHaveLength(6)
    expect(gateway.services.orders.requests).toHaveLength(100)
    const [answer] = refused
    expect(await answer!.json()).toMatchObject({
      code: 'rate_limited',
      status: 429,
      detail: expect.stringContaining('/api/v1/orders and below, GET /api/v1/returns, '),
    })
    const { used, seconds } = standing(answer!)
    expect(used).toBe('"orders";r=0')
    expectWindow(seconds, started)
    expect(answer!.headers.get('retry-after')).toBe(String(seconds))

    // another caller and another limit are not touched by it
    expect(
      (await ask(gateway, '/api/v1/orders', { authorization: await gateway.bearer(['customer']) })).status,
    ).toBe(200)
    const users = await ask(gateway, '/api/v1/users/me', headers)
    expect(users.status).toBe(200)
    expect(users.headers.get('ratelimit-policy')).toBe('"users";q=200;w=60')
  })

  test('more API keys are not more calls: they count as their owner does', async () => {
    const gateway = await start({ LIMIT_ORDERS_PER_MINUTE: '2' })
    const userId = randomUUID()
    gateway.services.users.answer = () => ({
      userId,
      keyId: randomUUID(),
      roles: ['customer'],
      scopes: ['orders:read'],
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    })
    const statuses = []
    for (let round = 0; round < 2; round += 1) {
      const authorization = `Bearer msk_${randomUUID()}`
      statuses.push((await ask(gateway, '/api/v1/orders', { authorization })).status)
    }
    const authorization = await gateway.bearer(['customer'], userId)
    statuses.push((await ask(gateway, '/api/v1/orders', { authorization })).status)
    expect(statuses).toEqual([200, 200, 429])
  })

  test('a refused role counts; the order is counted before it is looked at', async () => {
    const gateway = await start({ LIMIT_USERS_PER_MINUTE: '2' })
    const headers = { authorization: await gateway.bearer(['customer']) }
    const statuses = []
    for (let round = 0; round < 3; round += 1)
      statuses.push((await ask(gateway, '/api/v1/users', headers)).status)
    expect(statuses).toEqual([403, 403, 429])
  })

  test('sign-ins are counted by address, whoever asks', async () => {
    const gateway = await start({ LIMIT_AUTH_PER_MINUTE: '2' })
    const login = async () =>
      (
        await ask(
          gateway,
          '/api/v1/auth/login',
          { authorization: await gateway.bearer(['customer']) },
          'POST',
        )
      ).status
    expect([await login(), await login(), await login()]).toEqual([200, 200, 429])
  })
})

describe('the limit of an address', () => {
  test('holds before authentication and for paths that do not exist, but not for webhooks and liveness', async () => {
    const gateway = await start({ LIMIT_IP_PER_MINUTE: '3' })
    const bad = { authorization: 'Bearer nonsense' }
    const started = performance.now()
    expect((await ask(gateway, '/api/v1/orders', bad)).status).toBe(401)
    expect((await ask(gateway, '/nothing')).status).toBe(404)
    const third = await ask(gateway, '/api/v1/orders', bad)
    expect(standing(third).used).toBe('"ip";r=0')
    expectWindow(standing(third).seconds, started)
    const refused = await ask(gateway, '/api/v1/orders', bad)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('ratelimit-policy')).toBe('"ip";q=3;w=60')
    expect((await ask(gateway, '/nothing')).status).toBe(429)
    expect((await ask(gateway, '/api/v1/webhooks/payments/sandbox', {}, 'POST')).status).toBe(200)
    expect((await ask(gateway, '/livez')).status).toBe(200)
    expect((await ask(gateway, '/.well-known/service-jwks.json')).status).toBe(200)
  })

  test('a client cannot choose its address, a trusted proxy can name it', async () => {
    const strict = await start({ LIMIT_IP_PER_MINUTE: '1' })
    const from = (address: string) => ({ 'x-forwarded-for': address })
    expect((await ask(strict, '/api/v1/products', from('192.0.2.1'))).status).toBe(200)
    expect((await ask(strict, '/api/v1/products', from('192.0.2.2'))).status).toBe(429)
    expect(strict.services.inventory.requests[0]?.headers['x-client-ip']).toBe('127.0.0.1')

    const behind = await start({ LIMIT_IP_PER_MINUTE: '1', TRUSTED_PROXIES: '127.0.0.0/8' })
    expect((await ask(behind, '/api/v1/products', from('192.0.2.1'))).status).toBe(200)
    expect((await ask(behind, '/api/v1/products', from('192.0.2.2'))).status).toBe(200)
    expect((await ask(behind, '/api/v1/products', from('192.0.2.1'))).status).toBe(429)
    expect(behind.services.inventory.requests[0]?.headers['x-client-ip']).toBe('192.0.2.1')
  })

  test('services count an IPv6 client by its network too: it has 2^64 addresses to guess passwords from', async () => {
    const behind = await start({ TRUSTED_PROXIES: '127.0.0.0/8' })
    for (const host of ['1', 'dead:beef']) {
      await ask(behind, '/api/v1/products', { 'x-forwarded-for': `2001:db8:1:2::${host}` })
    }
    const addresses = behind.services.inventory.requests.map(({ headers }) => headers['x-client-ip'])
    expect(addresses).toEqual(['2001:db8:1:2::/64', '2001:db8:1:2::/64'])
  })
})

describe('while Redis is away', () => {
  const perMinute = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, 5])) as Record<
    keyof typeof LIMITS,
    number
  >

  /** Three tries to be quick, for a pause of the machine. */
  async function countQuickly(redisUrl: string) {
    for (let left = 2; ; left -= 1) {
      const counted = await countSeven(redisUrl)
      if (counted.quick || left === 0) return counted
    }
  }
  async function countSeven(redisUrl: string) {
    const limits = createRateLimits({ perMinute, redisUrl, logger })
    running.push(limits)
    const key = randomUUID()
    const started = performance.now()
    const standings = []
    for (let round = 0; round < 7; round += 1) standings.push(await limits.consume('orders', key))
    const quick = performance.now() - started < 500
    const probe = await limits.probe?.().catch((error: Error) => error.message)
    return { refused: standings.map(({ refusal }) => refusal !== undefined), quick, probe }
  }
  const local = {
    refused: [false, false, false, false, false, true, true],
    quick: true,
    probe: 'Redis is away; limits are counted in this process',
  }

  test('a port that refuses: limits hold in this process and nobody waits', async () => {
    expect(await countQuickly('redis://127.0.0.1:1')).toEqual(local)
  })

  test('a server that accepts and says nothing: the same', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    running.push({ stop: () => new Promise((resolve) => silent.close(() => resolve())) })
    const address = silent.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    expect(await countQuickly(`redis://127.0.0.1:${address.port}`)).toEqual(local)
  })

  test('/health shows the cache down and requests pass', async () => {
    const gateway = await start({ REDIS_URL: 'redis://127.0.0.1:1', LIMIT_PUBLIC_PER_MINUTE: '1' })
    expect((await ask(gateway, '/api/v1/products')).status).toBe(200)
    expect((await ask(gateway, '/api/v1/products')).status).toBe(429)
    // a probe that does not answer in time is down too
    await vi.waitFor(async () => {
      const health = await ask(gateway, '/health')
      expect(health.status).toBe(503)
      expect(await health.json()).toMatchObject({
        checks: { cache: { status: 'down' }, broker: { status: 'up' } },
      })
    }, 40_000)
  })
})
