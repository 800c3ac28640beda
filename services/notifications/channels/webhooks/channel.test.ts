/** The channel on the real broker, sending to real servers. The broker's list of endpoints is this file's alone. */
import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { AnyDomainEvent } from '#contracts/events.ts'
import {
  attemptsOf,
  createEndpoint,
  listEndpoints,
  openWebhooks,
  removeEndpoint,
  startWebhooks,
  WEBHOOKS_ENVIRONMENT,
  type WebhooksChannel,
} from '#tests/support/webhooks-channel.ts'
import { webhookReceiver, type Received } from '#tests/support/webhook-receiver.ts'
import { eventOf, orderEvent } from '../../test-support/events.ts'
import { describeChannel } from '../conformance.ts'
import { DELIVERIES, deliverySubject, openStreams } from './streams.ts'

const { received, answers, url, server: receiver } = webhookReceiver()

const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 40_000, interval: 50 })
const at = (path: string) => received.filter((each) => each.path === path)
const arrive = (path: string, count: number) => eventually(() => at(path).length).toBe(count)
const newPath = () => `/${randomUUID()}`
const placed = () => orderEvent('order.created', randomUUID(), randomUUID())
const announce = ({ channel }: WebhooksChannel, event: AnyDomainEvent) => channel.deliver(event)

/** As a merchant does it, from the specification. */
function verify({ headers, body }: Received, secret: string): boolean {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  return headers['webhook-signature'] === expected
}

describeChannel({ describe, it, expect, beforeAll, afterAll }, 'webhooks', async () => {
  const subject = await startWebhooks({}, { pauseAfter: () => 300 })
  const path = newPath()
  const { secret } = await createEndpoint(subject, { url: url(path), events: ['order.*'] })
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
    secrets: () => [secret, WEBHOOKS_ENVIRONMENT.WEBHOOK_MASTER_SECRET, path],
    stop: () => subject.stop(),
  }
})

describe('a webhook', () => {
  test('is the event itself, signed, once however often the event comes', async () => {
    const subject = await openWebhooks()
    const path = newPath()
    const { secret, id } = await createEndpoint(subject, { url: url(path), events: ['order.*'] })
    const event = placed()
    const announcedAt = Math.floor(Date.now() / 1_000)
    await Promise.allSettled([1, 2, 3].map(() => announce(subject, event)))
    await announce(subject, event)
    const last = placed()
    await announce(subject, last)
    await arrive(path, 2)
    const arrivedAt = Date.now() / 1_000
    const [first] = at(path)
    expect(JSON.parse(first?.body ?? '')).toEqual(event)
    expect(first?.headers).toMatchObject({ 'webhook-id': event.eventId, 'content-type': 'application/json' })
    const signedAt = Number(first?.headers['webhook-timestamp'])
    expect(signedAt).toBeGreaterThanOrEqual(announcedAt)
    expect(signedAt).toBeLessThanOrEqual(arrivedAt)
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
    const subject = await openWebhooks()
    const [all, confirmed, parcels] = [newPath(), newPath(), newPath()]
    const early = placed()
    await sleep(5)
    await createEndpoint(subject, { url: url(all) })
    await createEndpoint(subject, { url: url(confirmed), events: ['order.confirmed'] })
    await createEndpoint(subject, { url: url(parcels), events: ['shipment.*'] })
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

  test('of adjusted stock is without the words of the operator who adjusted it', async () => {
    const subject = await openWebhooks()
    const path = newPath()
    await createEndpoint(subject, { url: url(path), events: ['stock.*'] })
    const adjusted = { sku: 'TEE-BLACK-M', warehouse: 'AMS', delta: -1 }
    const event = eventOf('stock.adjusted', randomUUID(), { ...adjusted, reason: 'Ann dropped it' })
    await announce(subject, event)
    await arrive(path, 1)
    expect(JSON.parse(at(path)[0]?.body ?? '')).toEqual({ ...event, payload: adjusted })
  })

  test('that fails is tried again with the same id and a new signature, by whichever process there is then', async () => {
    // longer than it takes until the second process is there
    const first = await openWebhooks({}, { pauseAfter: () => 10_000 })
    const path = newPath()
    answers.set(path, { status: 500 })
    const { id, secret } = await createEndpoint(first, { url: url(path), events: ['order.*'] })
    const event = placed()
    await announce(first, event)
    await arrive(path, 1)
    await eventually(async () => (await listEndpoints(first))[0]?.failingSince).toEqual(expect.any(String))
    await first.stopSending()
    answers.delete(path)
    const second = await openWebhooks()
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
    await eventually(async () => (await listEndpoints(second))[0]?.failingSince).toBeNull()
  })

  test('does not follow where the endpoint points it', async () => {
    const subject = await openWebhooks()
    const [path, inside] = [newPath(), newPath()]
    answers.set(path, { status: 307, location: url(inside) })
    const { id } = await createEndpoint(subject, { url: url(path), events: ['order.*'] })
    await announce(subject, placed())
    await arrive(path, 1)
    await eventually(() => attemptsOf(subject, id)).toEqual([
      expect.objectContaining({ responseStatus: 307, error: 'redirect', outcome: 'failed' }),
    ])
    await sleep(200)
    expect(at(inside)).toEqual([])
  })

  test('to an endpoint that does not answer ends in time, and others do not wait for it', async () => {
    const subject = await openWebhooks({ WEBHOOK_TIMEOUT_MS: '1500' }, { pauseAfter: () => 600_000 })
    const [slow, quick] = [newPath(), newPath()]
    answers.set(slow, 'never')
    const { id } = await createEndpoint(subject, { url: url(slow), events: ['order.*'] })
    await createEndpoint(subject, { url: url(quick), events: ['order.*'] })
    for (let count = 0; count < 6; count++) await announce(subject, placed())
    await arrive(quick, 6)
    await arrive(slow, 6)
    await eventually(async () => (await attemptsOf(subject, id)).length).toBe(6)
    expect(new Set((await attemptsOf(subject, id)).map(({ error }) => error))).toEqual(new Set(['timeout']))
  })

  test('is not sent where the name has come to lead inside since', async () => {
    let addresses = [{ address: '93.184.215.14', family: 4 }]
    const subject = await openWebhooks(
      { WEBHOOK_ALLOW_LOOPBACK: 'false' },
      { resolve: async () => addresses },
    )
    const { port } = new URL(url('/'))
    const path = newPath()
    const { id } = await createEndpoint(subject, {
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
    const subject = await openWebhooks(
      { WEBHOOK_ALLOW_LOOPBACK: 'false' },
      { resolve: async () => [++times <= 2 ? outside : inside] },
    )
    const { port } = new URL(url('/'))
    const { id } = await createEndpoint(subject, {
      url: `https://shop.example.test:${port}/`,
      events: ['order.*'],
    })
    let connections = 0
    receiver.on('connection', () => (connections += 1))
    await announce(subject, placed())
    await eventually(() => attemptsOf(subject, id)).toEqual([
      expect.objectContaining({ error: 'address_refused', responseStatus: null }),
    ])
    expect([times, connections]).toEqual([3, 0])
  })

  test('of an endpoint that was removed is dropped', async () => {
    // its next attempt is not due before it is removed
    const subject = await openWebhooks({}, { pauseAfter: () => 60_000 })
    const path = newPath()
    answers.set(path, { status: 500 })
    const { id } = await createEndpoint(subject, { url: url(path), events: ['order.*'] })
    await announce(subject, placed())
    await arrive(path, 1)
    const { manager } = await openStreams(subject.context.bus)()
    const ofEndpoint = { subjects_filter: deliverySubject(id, '*') }
    const waiting = async () =>
      Object.keys((await manager.streams.info(DELIVERIES, ofEndpoint)).state.subjects ?? {}).length
    expect(await waiting()).toBe(1)
    expect((await removeEndpoint(subject, id)).statusCode).toBe(204)
    answers.delete(path)
    await announce(subject, placed())
    await eventually(waiting).toBe(0)
    await sleep(500)
    expect(at(path)).toHaveLength(1)
    expect((await removeEndpoint(subject, id)).statusCode).toBe(404)
  })

  test('leaves neither secrets nor what the endpoint is in the log', async () => {
    const subject = await openWebhooks()
    const path = newPath()
    answers.set(path, { status: 500 })
    const { secret, id } = await createEndpoint(subject, {
      url: url(`${path}?key=abc123`),
      events: ['order.*'],
    })
    answers.set(`${path}?key=abc123`, { status: 500 })
    await announce(subject, placed())
    await eventually(async () => (await attemptsOf(subject, id)).length).toBe(1)
    const log = subject.log.join('')
    for (const hidden of [secret, secret.slice(6), WEBHOOKS_ENVIRONMENT.WEBHOOK_MASTER_SECRET, 'abc123'])
      expect(log).not.toContain(hidden)
  })
})
