/** The broker's list of webhook endpoints is everybody's: this file has a broker of its own. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Environment } from '#platform/config.ts'
import { createHttpServer } from '#platform/http/server.ts'
import { as, verifyTestCaller } from '#tests/support/http.ts'
import { natsServer } from '#tests/support/nats-server.ts'
import { testContext } from '#tests/support/notifications.ts'
import { silentLogger } from '#tests/support/orders.ts'
import {
  attemptsOf,
  createEndpoint,
  listEndpoints,
  openWebhooks,
  operator,
  postEndpoint,
  removeEndpoint,
  WEBHOOKS_ENVIRONMENT,
} from '#tests/support/webhooks-channel.ts'
import { createChannel } from './channel.ts'

let broker: Environment
const nats = natsServer()
beforeAll(() => {
  const { address, credentials } = nats()
  broker = { NATS_URL: `nats://${address}`, NATS_PASSWORD: credentials['operator']?.password }
})

const open = (environment: Environment = {}) => openWebhooks({ ...broker, ...environment })
/** Where nothing is ever sent to. */
const url = (path: string) => `http://127.0.0.1:1234${path}`

describe('webhook endpoints', () => {
  test('show their secret once', async () => {
    const subject = await open()
    const { secret, ...endpoint } = await createEndpoint(subject, {
      url: url('/a'),
      description: 'the warehouse',
    })
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(endpoint).toEqual({
      id: expect.any(String),
      url: url('/a'),
      events: ['order.*', 'return.*', 'payment.*', 'shipment.*', 'reservation.*', 'product.*', 'stock.*'],
      description: 'the warehouse',
      status: 'enabled',
      disabledReason: null,
      failingSince: null,
      createdAt: expect.any(String),
    })
    expect(await listEndpoints(subject)).toEqual([endpoint])
    const { connection } = await subject.context.bus.ready()
    const stored = await connection.request(
      '$JS.API.STREAM.MSG.GET.KV_webhook-endpoints',
      JSON.stringify({ last_by_subj: '$KV.webhook-endpoints.all' }),
    )
    const value: { message: { data: string } } = stored.json()
    const text = Buffer.from(value.message.data, 'base64').toString()
    expect(text).toContain(endpoint.id)
    expect(text).not.toContain(secret.slice(6))
  })

  test('are not more than may be, however many are made at the same time', async () => {
    const subject = await open()
    const made = await Promise.all(Array.from({ length: 8 }, () => postEndpoint(subject, { url: url('/a') })))
    const counts = Map.groupBy(made, ({ statusCode }) => statusCode)
    expect([counts.get(201)?.length, counts.get(409)?.length]).toEqual([3, 5])
    expect(counts.get(409)?.[0]?.json()).toMatchObject({ code: 'too_many_endpoints' })
    const [first] = await listEndpoints(subject)
    expect((await removeEndpoint(subject, first?.id ?? '')).statusCode).toBe(204)
    expect((await postEndpoint(subject, { url: url('/a') })).statusCode).toBe(201)
  })

  test('come page by page, the newest first', async () => {
    const subject = await open()
    const made = []
    for (const path of ['/1', '/2', '/3']) made.push((await createEndpoint(subject, { url: url(path) })).id)
    const page = async (query: string) =>
      (
        await subject.app.inject({
          method: 'GET',
          url: `/api/v1/webhook-endpoints?${query}`,
          headers: operator,
        })
      ).json()
    const first = await page('limit=2')
    const second = await page(`limit=2&cursor=${first.nextCursor}`)
    expect(second.nextCursor).toBeNull()
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(made.toReversed())
    expect(await page('cursor=nonsense')).toMatchObject({ code: 'invalid_cursor' })
  })

  test.each(['http://127.0.0.1:1234/', 'https://127.0.0.1/', 'https://[::1]/', 'https://2130706433/'])(
    'do not take %s, and store nothing',
    async (address) => {
      const subject = await open({ WEBHOOK_ALLOW_LOOPBACK: 'false' })
      const answer = await postEndpoint(subject, { url: address })
      expect([answer.statusCode, answer.json()]).toMatchObject([
        422,
        { code: 'endpoint_refused', errors: [{ path: 'url', message: expect.any(String) }] },
      ])
      expect(await listEndpoints(subject)).toEqual([])
    },
  )

  test.each([
    ['an unknown field', { secret: 'whsec_mine' }, 'secret'],
    ['an unknown event', { events: ['order.exploded'] }, 'events/0'],
    ['events of accounts', { events: ['user.*'] }, 'events/0'],
    ['that an order needs an operator', { events: ['order.*', 'order.attention_raised'] }, 'events/1'],
    ['that an operator has answered', { events: ['order.attention_cleared'] }, 'events/0'],
    ['no event at all', { events: [] }, 'events'],
    ['an address that is none', { url: 7 }, 'url'],
  ])('refuse %s', async (_, change, path) => {
    const subject = await open()
    const answer = await postEndpoint(subject, { url: url('/a'), ...change })
    expect([answer.statusCode, answer.json().errors?.[0].path]).toEqual([400, path])
    expect(await listEndpoints(subject)).toEqual([])
  })

  test('refuse an Idempotency-Key: the answer holds a secret', async () => {
    const subject = await open()
    const answer = await postEndpoint(subject, { url: url('/a') }, { 'idempotency-key': 'k' })
    expect(answer.json()).toMatchObject({ status: 400, code: 'idempotency_key_refused' })
    expect(await listEndpoints(subject)).toEqual([])
  })

  test('are for operators and admins', async () => {
    const subject = await open()
    const { id } = await createEndpoint(subject, { url: url('/a') })
    const calls = [
      ['POST', ''],
      ['GET', ''],
      ['DELETE', `/${id}`],
      ['GET', `/${id}/attempts`],
    ] as const
    for (const [method, path] of calls) {
      const call = (headers: Record<string, string>) =>
        subject.app.inject({ method, url: `/api/v1/webhook-endpoints${path}`, headers })
      for (const role of ['customer', 'courier'] as const) {
        expect((await call(as(role, randomUUID()))).json()).toMatchObject({ code: 'forbidden' })
      }
      expect((await call({})).json()).toMatchObject({ code: 'unauthenticated' })
    }
    expect(await listEndpoints(subject)).toHaveLength(1)
    const admin = as('admin', randomUUID())
    const seen = await subject.app.inject({ method: 'GET', url: '/api/v1/webhook-endpoints', headers: admin })
    expect(seen.json().data).toHaveLength(1)
  })

  test('that nobody made have no attempts, and those without any have an empty list', async () => {
    const subject = await open()
    const { id } = await createEndpoint(subject, { url: url('/a') })
    expect(await attemptsOf(subject, id)).toEqual([])
    const unknown = await subject.app.inject({
      method: 'GET',
      url: `/api/v1/webhook-endpoints/${randomUUID()}/attempts`,
      headers: operator,
    })
    expect(unknown.json()).toMatchObject({ status: 404, code: 'not_found' })
  })
})

describe('without the broker', () => {
  test('calls are refused at once, and the channel can be stopped', async () => {
    const { context, close } = testContext({ ...WEBHOOKS_ENVIRONMENT, NATS_URL: 'nats://127.0.0.1:1' })
    const channel = createChannel(context)
    const app = createHttpServer({ logger: silentLogger, probes: {} })
    channel.routes?.(app, verifyTestCaller)
    await app.ready()
    const tasks = channel.background?.() ?? []
    for (const path of ['', `/${randomUUID()}/attempts`]) {
      const answer = await app.inject({
        method: 'GET',
        url: `/api/v1/webhook-endpoints${path}`,
        headers: operator,
      })
      expect([answer.json().code, answer.headers['retry-after']]).toEqual(['unavailable', '5'])
    }
    const stopped = Promise.all(tasks.map((task) => task.stop())).then(() => 'stopped')
    expect(await Promise.race([stopped, sleep(30_000, undefined, { ref: false })])).toBe('stopped')
    await app.close()
    await channel.close()
    await close()
  })
})
