/** The channel on the real broker, sending to real servers. The broker's list of endpoints is this file's alone. */
import { createHmac, randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest'
import type { CreatedWebhookEndpoint, WebhookAttempt } from '#contracts/http/notifications.ts'
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { createHttpServer } from '#platform/http/server.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import { as, verifyTestCaller } from '#tests/support/http.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { eventOf, orderEvent } from '../../test-support/events.ts'
import { testContext, type TestContext } from '#tests/support/notifications.ts'
import type { Channel } from '../channel.ts'
import { describeChannel } from '../conformance.ts'
import { createChannel } from './channel.ts'
import type { Resolve } from './destination.ts'

const ENVIRONMENT = {
  WEBHOOK_MASTER_SECRET: 'a master secret for the tests only',
  WEBHOOK_ALLOW_PRIVATE: 'true',
  WEBHOOK_TIMEOUT_MS: '500',
  WEBHOOK_ENDPOINTS_LIMIT: '3',
}
const operator = as('operator', randomUUID())

interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
  answered: number | undefined
}

let receiver: Server
const received: Received[] = []
/** What the receiver answers, by path; 204 elsewhere. */
const answers = new Map<string, { status: number; location?: string } | 'never'>()
const opened: Stoppable[] = []

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const path = request.url ?? ''
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = answers.get(path) ?? { status: 204 }
      received.push({
        path,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        answered: answer === 'never' ? undefined : answer.status,
      })
      if (answer === 'never') return
      response
        .writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location })
        .end()
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => receiver.once('listening', resolve))
})
afterAll(() => {
  receiver.closeAllConnections()
  receiver.close()
})
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each.stop()
})

const url = (path: string) => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${path}`

interface Subject extends TestContext {
  channel: Channel
  app: HttpServer
  /** Ends the senders, as the end of a process does. */
  stopSending(): Promise<void>
}

async function open(environment: object = {}, resolve?: Resolve): Promise<Subject> {
  const support = testContext({ ...ENVIRONMENT, ...environment })
  await support.context.bus.ready()
  const channel = createChannel(support.context, resolve === undefined ? {} : { resolve })
  const app = createHttpServer({ logger: silentLogger, probes: {} })
  channel.routes?.(app, verifyTestCaller)
  await app.ready()
  const tasks = channel.background?.() ?? []
  let stopped: Promise<void> | undefined
  const stopTasks = async (): Promise<void> => {
    await Promise.all(tasks.map((task) => task.stop()))
  }
  const stopSending = (): Promise<void> => (stopped ??= stopTasks())
  const subject = { ...support, channel, app, stopSending }
  opened.push({
    async stop() {
      await stopSending()
      for (const { id } of await list(subject)) await remove(subject, id)
      await app.close()
      await channel.close()
      await support.close()
    },
  })
  return subject
}

const post = ({ app }: Subject, payload: object, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'POST',
    url: '/api/v1/webhook-endpoints',
    headers: { ...operator, ...headers },
    payload,
  })
async function create(subject: Subject, payload: object): Promise<CreatedWebhookEndpoint> {
  const answer = await post(subject, payload)
  expect([answer.statusCode, answer.body]).toEqual([201, expect.any(String)])
  return answer.json()
}
const list = async ({ app }: Subject): Promise<CreatedWebhookEndpoint[]> =>
  (await app.inject({ method: 'GET', url: '/api/v1/webhook-endpoints?limit=100', headers: operator })).json()
    .data
const remove = ({ app }: Subject, id: string) =>
  app.inject({ method: 'DELETE', url: `/api/v1/webhook-endpoints/${id}`, headers: operator })
const attemptsOf = async ({ app }: Subject, id: string, query = ''): Promise<WebhookAttempt[]> =>
  (
    await app.inject({
      method: 'GET',
      url: `/api/v1/webhook-endpoints/${id}/attempts${query}`,
      headers: operator,
    })
  ).json().data

const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 15_000, interval: 50 })
const at = (path: string) => received.filter((each) => each.path === path)
const arrive = (path: string, count: number) => eventually(() => at(path).length).toBe(count)
const newPath = () => `/${randomUUID()}`
const placed = () => orderEvent('order.created', randomUUID(), randomUUID())
const announce = ({ channel }: Subject, event: AnyDomainEvent) => channel.deliver(event)

/** As a merchant does it, from the specification. */
function verify({ headers, body }: Received, secret: string): boolean {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  return headers['webhook-signature'] === expected
}

describeChannel({ describe, it, expect, beforeAll, afterAll }, 'webhooks', async () => {
  const subject = await open()
  const ours = opened.pop()
  const path = newPath()
  const { secret } = await create(subject, { url: url(path), events: ['order.*'] })
  await sleep(5)
  return {
    channel: subject.channel,
    event: placed,
    otherEvent() {
      const userId = randomUUID()
      return eventOf('user.registered', userId, { userId })
    },
    told: (eventId) =>
      received.filter(({ answered, headers }) => answered === 204 && headers['webhook-id'] === eventId)
        .length,
    async outage(on) {
      if (on) answers.set(path, { status: 503 })
      else answers.delete(path)
    },
    log: () => subject.log.join(''),
    secrets: () => [secret, ENVIRONMENT.WEBHOOK_MASTER_SECRET, path],
    stop: async () => ours?.stop(),
  }
})

describe('a webhook', () => {
  test('is the event itself, signed, once however often the event comes', async () => {
    const subject = await open()
    const path = newPath()
    const { secret, id } = await create(subject, { url: url(path), events: ['order.*'] })
    const event = placed()
    await Promise.allSettled([1, 2, 3].map(() => announce(subject, event)))
    await announce(subject, event)
    const last = placed()
    await announce(subject, last)
    await arrive(path, 2)
    const [first] = at(path)
    expect(JSON.parse(first?.body ?? '')).toEqual(event)
    expect(first?.headers).toMatchObject({ 'webhook-id': event.eventId, 'content-type': 'application/json' })
    expect(Math.abs(Number(first?.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(10)
    expect(verify(first as Received, secret)).toBe(true)
    expect(verify({ ...(first as Received), body: `${first?.body} ` }, secret)).toBe(false)
    await eventually(async () => (await attemptsOf(subject, id)).length).toBe(2)
    expect(await attemptsOf(subject, id)).toEqual([
      expect.objectContaining({ eventId: last.eventId, outcome: 'delivered', responseStatus: 204 }),
      expect.objectContaining({
        eventId: event.eventId,
        outcome: 'delivered',
        responseStatus: 204,
        error: null,
      }),
    ])
  })

  test('goes to every endpoint that wants its type, and tells nothing of before it was made', async () => {
    const subject = await open()
    const [all, confirmed, parcels] = [newPath(), newPath(), newPath()]
    const early = placed()
    await sleep(5)
    await create(subject, { url: url(all) })
    await create(subject, { url: url(confirmed), events: ['order.confirmed'] })
    await create(subject, { url: url(parcels), events: ['shipment.*'] })
    const userId = randomUUID()
    await announce(subject, early)
    await announce(subject, eventOf('user.registered', userId, { userId }))
    const [created, later] = [placed(), orderEvent('order.confirmed', randomUUID(), randomUUID())]
    await announce(subject, created)
    await announce(subject, later)
    await arrive(all, 2)
    await arrive(confirmed, 1)
    await sleep(200)
    const ids = (path: string) => at(path).map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids(all))).toEqual(new Set([created.eventId, later.eventId]))
    expect(ids(confirmed)).toEqual([later.eventId])
    expect(ids(parcels)).toEqual([])
  })

  test('that fails is tried again with the same id and a new signature, by whichever process there is then', async () => {
    const first = await open()
    const path = newPath()
    answers.set(path, { status: 500 })
    const { id, secret } = await create(first, { url: url(path), events: ['order.*'] })
    const event = placed()
    await announce(first, event)
    await arrive(path, 1)
    await eventually(async () => (await list(first))[0]?.failingSince).toEqual(expect.any(String))
    await first.stopSending()
    answers.delete(path)
    const second = await open()
    await arrive(path, 2)
    expect(at(path).map(({ headers }) => headers['webhook-id'])).toEqual([event.eventId, event.eventId])
    expect(at(path).every((each) => verify(each, secret))).toBe(true)
    expect(at(path)[0]?.headers['webhook-timestamp']).not.toBe(at(path)[1]?.headers['webhook-timestamp'])
    await eventually(async () => (await attemptsOf(second, id)).map(({ outcome }) => outcome)).toEqual([
      'delivered',
      'failed',
    ])
    expect((await attemptsOf(second, id))[1]).toMatchObject({
      responseStatus: 500,
      error: 'status',
      nextAttemptAt: expect.any(String),
    })
    await eventually(async () => (await list(second))[0]?.failingSince).toBeNull()
  })

  test('does not follow where the endpoint points it', async () => {
    const subject = await open()
    const [path, inside] = [newPath(), newPath()]
    answers.set(path, { status: 307, location: url(inside) })
    const { id } = await create(subject, { url: url(path), events: ['order.*'] })
    await announce(subject, placed())
    await arrive(path, 1)
    await eventually(() => attemptsOf(subject, id)).toEqual([
      expect.objectContaining({ responseStatus: 307, error: 'redirect', outcome: 'failed' }),
    ])
    await sleep(200)
    expect(at(inside)).toEqual([])
  })

  test('to an endpoint that does not answer ends in time, and others do not wait for it', async () => {
    const subject = await open()
    const [slow, quick] = [newPath(), newPath()]
    answers.set(slow, 'never')
    const { id } = await create(subject, { url: url(slow), events: ['order.*'] })
    await create(subject, { url: url(quick), events: ['order.*'] })
    for (let count = 0; count < 6; count++) await announce(subject, placed())
    await arrive(quick, 6)
    await arrive(slow, 6)
    await eventually(async () => (await attemptsOf(subject, id)).length).toBe(6)
    expect(new Set((await attemptsOf(subject, id)).map(({ error }) => error))).toEqual(new Set(['timeout']))
  })

  test('is not sent where the name has come to lead inside since', async () => {
    let addresses = [{ address: '93.184.215.14', family: 4 }]
    const subject = await open({ WEBHOOK_ALLOW_PRIVATE: 'false' }, async () => addresses)
    const { port } = receiver.address() as AddressInfo
    const path = newPath()
    const { id } = await create(subject, {
      url: `https://shop.example.test:${port}${path}`,
      events: ['order.*'],
    })
    let connections = 0
    receiver.on('connection', () => (connections += 1))
    addresses = [{ address: '127.0.0.1', family: 4 }]
    await announce(subject, placed())
    await eventually(() => attemptsOf(subject, id)).toEqual([
      expect.objectContaining({ error: 'address_refused', responseStatus: null }),
    ])
    expect(connections).toBe(0)
  })

  test('is not sent where the name leads inside only when it is dialled', async () => {
    const [outside, inside] = [
      { address: '93.184.215.14', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]
    let times = 0
    // public when the endpoint is made and when the attempt is checked, then private
    const subject = await open({ WEBHOOK_ALLOW_PRIVATE: 'false' }, async () => [
      ++times <= 2 ? outside : inside,
    ])
    const { port } = receiver.address() as AddressInfo
    const { id } = await create(subject, { url: `https://shop.example.test:${port}/`, events: ['order.*'] })
    let connections = 0
    receiver.on('connection', () => (connections += 1))
    await announce(subject, placed())
    await eventually(() => attemptsOf(subject, id)).toEqual([
      expect.objectContaining({ error: 'address_refused', responseStatus: null }),
    ])
    expect([times, connections]).toEqual([3, 0])
  })

  test('of an endpoint that was removed is dropped', async () => {
    const subject = await open()
    const path = newPath()
    answers.set(path, { status: 500 })
    const { id } = await create(subject, { url: url(path), events: ['order.*'] })
    await announce(subject, placed())
    await arrive(path, 1)
    expect((await remove(subject, id)).statusCode).toBe(204)
    answers.delete(path)
    await announce(subject, placed())
    await sleep(6_500)
    expect(at(path)).toHaveLength(1)
    expect((await remove(subject, id)).statusCode).toBe(404)
  })

  test('leaves neither secrets nor what the endpoint is in the log', async () => {
    const subject = await open()
    const path = newPath()
    answers.set(path, { status: 500 })
    const { secret, id } = await create(subject, { url: url(`${path}?key=abc123`), events: ['order.*'] })
    answers.set(`${path}?key=abc123`, { status: 500 })
    await announce(subject, placed())
    await eventually(async () => (await attemptsOf(subject, id)).length).toBe(1)
    const log = subject.log.join('')
    for (const hidden of [secret, secret.slice(6), ENVIRONMENT.WEBHOOK_MASTER_SECRET, 'abc123'])
      expect(log).not.toContain(hidden)
  })
})

describe('webhook endpoints', () => {
  test('show their secret once', async () => {
    const subject = await open()
    const { secret, ...endpoint } = await create(subject, { url: url('/a'), description: 'the warehouse' })
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
    expect(await list(subject)).toEqual([endpoint])
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
    const made = await Promise.all(Array.from({ length: 8 }, () => post(subject, { url: url('/a') })))
    const counts = Map.groupBy(made, ({ statusCode }) => statusCode)
    expect([counts.get(201)?.length, counts.get(409)?.length]).toEqual([3, 5])
    expect(counts.get(409)?.[0]?.json()).toMatchObject({ code: 'too_many_endpoints' })
    const [first] = await list(subject)
    expect((await remove(subject, first?.id ?? '')).statusCode).toBe(204)
    expect((await post(subject, { url: url('/a') })).statusCode).toBe(201)
  })

  test('come page by page, the newest first', async () => {
    const subject = await open()
    const made = []
    for (const path of ['/1', '/2', '/3']) made.push((await create(subject, { url: url(path) })).id)
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
      const subject = await open({ WEBHOOK_ALLOW_PRIVATE: 'false' })
      const answer = await post(subject, { url: address })
      expect([answer.statusCode, answer.json()]).toMatchObject([
        422,
        { code: 'endpoint_refused', errors: [{ path: 'url', message: expect.any(String) }] },
      ])
      expect(await list(subject)).toEqual([])
    },
  )

  test.each([
    ['an unknown field', { secret: 'whsec_mine' }, 'secret'],
    ['an unknown event', { events: ['order.exploded'] }, 'events/0'],
    ['events of accounts', { events: ['user.*'] }, 'events/0'],
    ['no event at all', { events: [] }, 'events'],
    ['an address that is none', { url: 7 }, 'url'],
  ])('refuse %s', async (_, change, path) => {
    const subject = await open()
    const answer = await post(subject, { url: url('/a'), ...change })
    expect([answer.statusCode, answer.json().errors?.[0].path]).toEqual([400, path])
    expect(await list(subject)).toEqual([])
  })

  test('refuse an Idempotency-Key: the answer holds a secret', async () => {
    const subject = await open()
    const answer = await post(subject, { url: url('/a') }, { 'idempotency-key': 'k' })
    expect(answer.json()).toMatchObject({ status: 400, code: 'idempotency_key_refused' })
    expect(await list(subject)).toEqual([])
  })

  test('are for operators and admins', async () => {
    const subject = await open()
    const { id } = await create(subject, { url: url('/a') })
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
    expect(await list(subject)).toHaveLength(1)
    const admin = as('admin', randomUUID())
    const seen = await subject.app.inject({ method: 'GET', url: '/api/v1/webhook-endpoints', headers: admin })
    expect(seen.json().data).toHaveLength(1)
  })

  test('that nobody made have no attempts, and those without any have an empty list', async () => {
    const subject = await open()
    const { id } = await create(subject, { url: url('/a') })
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
    const { context, close } = testContext({ ...ENVIRONMENT, NATS_URL: 'nats://127.0.0.1:1' })
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
    expect(await Promise.race([stopped, sleep(2_000)])).toBe('stopped')
    await app.close()
    await channel.close()
    await close()
  })
})
