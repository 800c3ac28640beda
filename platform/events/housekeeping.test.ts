import { randomUUID } from 'node:crypto'
import { jetstreamManager } from '@nats-io/jetstream'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { EVENT_STREAM } from '#contracts/events.ts'
import { testBus } from '#tests/support/broker.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import type { EventBus } from './event-bus.ts'
import { eventsKeptSeconds, purgeInbox, purgeOutbox, startHousekeeping } from './housekeeping.ts'

const DAY_MS = 86_400_000
const DAY_SECONDS = 86_400
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS)

let bus: EventBus
let orders: TestOrders
beforeAll(async () => {
  bus = testBus()
  await bus.ready()
  orders = await testOrders()
})
beforeEach(async () => {
  await orders.database.outbox.deleteMany()
  await orders.database.inbox.deleteMany()
})

const outboxRow = (aggregateId: string, publishedDaysAgo: number | null, changes: object = {}) =>
  orders.database.outbox.create({
    data: {
      eventId: randomUUID(),
      aggregateId,
      version: 1,
      shard: 0,
      type: 'user.registered',
      payload: {},
      createdAt: daysAgo(30),
      publishedAt: publishedDaysAgo === null ? null : daysAgo(publishedDaysAgo),
      ...changes,
    },
  })
const inOutbox = async () =>
  (await orders.database.outbox.findMany({ orderBy: { aggregateId: 'asc' } })).map((row) => row.aggregateId)

const received = (consumer: string, days: number) =>
  orders.database.inbox.create({ data: { consumer, eventId: randomUUID(), receivedAt: daysAgo(days) } })
const answered = (key: string) =>
  orders.database.idempotencyKey.create({
    data: {
      caller: 'someone',
      key,
      fingerprint: key,
      token: randomUUID(),
      leaseUntil: daysAgo(2),
      expiresAt: daysAgo(-1),
      status: 201,
      body: {},
    },
  })
const inInbox = async () =>
  (await orders.database.inbox.findMany({ orderBy: { consumer: 'asc' } })).map((row) => row.consumer)

describe('purgeOutbox', () => {
  it('forgets what was published more than seven days ago, and nothing that waits or is parked', async () => {
    await outboxRow('just published', 0)
    await outboxRow('published lately', 6.9)
    await outboxRow('published long ago', 7.1)
    await outboxRow('waiting', null)
    await outboxRow('parked', null, { parkedAt: daysAgo(20) })
    expect(await purgeOutbox(orders.database)).toBe(1)
    expect(await inOutbox()).toEqual(['just published', 'parked', 'published lately', 'waiting'])
    expect(await purgeOutbox(orders.database)).toBe(0)
  })
})

describe('purgeInbox', () => {
  it('forgets events a week after the stream has', async () => {
    await received('new', 0)
    await received('in the stream', 89)
    await received('just forgotten there', 96.9)
    await received('long forgotten there', 97.1)
    expect(await purgeInbox(orders.database, 90 * DAY_SECONDS)).toBe(1)
    expect(await inInbox()).toEqual(['in the stream', 'just forgotten there', 'new'])
  })

  it('forgets nothing where the stream forgets nothing', async () => {
    await received('ancient', 4_000)
    expect(await purgeInbox(orders.database, undefined)).toBe(0)
    expect(await inInbox()).toEqual(['ancient'])
  })
})

describe('eventsKeptSeconds', () => {
  it('is what the stream is configured to', async () => {
    const manager = await jetstreamManager((await bus.ready()).connection)
    const { config } = await manager.streams.info(EVENT_STREAM)
    expect(config.max_age).toBeGreaterThan(0)
    expect(await eventsKeptSeconds(bus)).toBe(config.max_age / 1_000_000_000)
  })
})

describe('startHousekeeping', () => {
  it('leaves the inbox alone while the broker is away, which is no failure', async () => {
    await received('long forgotten', 400)
    await outboxRow('published long ago', 8)
    const warn = vi.fn<() => void>()
    const housekeeping = startHousekeeping({
      database: orders.database,
      bus: testBus('nats://127.0.0.1:1'),
      logger: Object.assign(Object.create(silentLogger), { warn }),
    })
    await expect.poll(inOutbox).toEqual([])
    await housekeeping.stop()
    expect(await inInbox()).toEqual(['long forgotten'])
    expect(warn).not.toHaveBeenCalled()
  })

  it('forgets events, and answers that were kept long enough, in as many batches as it takes', async () => {
    await orders.database.$executeRaw`
      INSERT INTO outbox (event_id, aggregate_id, version, shard, type, payload, published_at)
      SELECT gen_random_uuid(), 'many', at, 0, 'user.registered', '{}', now() - interval '8 days'
      FROM generate_series(1, 2500) AS at`
    await received('long forgotten', 400)
    await orders.database.$executeRaw`
      INSERT INTO idempotency_keys (caller, key, fingerprint, token, lease_until, expires_at)
      SELECT 'someone', at, at, gen_random_uuid(), now(), now() - interval '1 hour' FROM generate_series(1, 3500) AS at`
    await answered('kept')
    const housekeeping = startHousekeeping({ database: orders.database, bus, logger: silentLogger })
    await expect.poll(() => orders.database.outbox.count()).toBe(0)
    await expect.poll(inInbox).toEqual([])
    await expect.poll(() => orders.database.idempotencyKey.count()).toBe(1)
    await housekeeping.stop()
    expect((await orders.database.idempotencyKey.findMany()).map(({ key }) => key)).toEqual(['kept'])
  })
})
