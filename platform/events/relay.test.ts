import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import type { Loop } from '../loop.ts'
import { continueTrace, withTrace } from '../trace.ts'
import { UnpublishableEventError, isPoison, type OutgoingEvent } from './event-bus.ts'
import { appendEvent, createUnitOfWork, shardOf, SHARDS } from './outbox.ts'
import { probeOutbox, startRelay } from './relay.ts'

let orders: TestOrders
const relays: Loop[] = []
const stopRelays = () => Promise.all(relays.splice(0).map((relay) => relay.stop()))

beforeEach(async () => {
  orders ??= await testOrders(20)
  await orders.database.outbox.deleteMany()
})
afterEach(stopRelays)

const relay = (publish: (event: OutgoingEvent) => Promise<void>, logger = silentLogger): Loop => {
  const started = startRelay({ database: orders.database, publish, isPoison, pollMs: 10, logger })
  relays.push(started)
  return started
}

const append = (aggregateId: string, version: number) =>
  orders.transact((tx) =>
    appendEvent(tx, { type: 'user.registered', aggregateId, version, payload: { userId: randomUUID() } }),
  )
const waiting = () => orders.database.outbox.count({ where: { publishedAt: null } })

/** What a broker got, by aggregate. */
const versionsOf = (events: OutgoingEvent[], id: string) =>
  events.filter(({ aggregateId }) => aggregateId === id).map(({ version }) => version)

describe('appendEvent', () => {
  it('is in the same shard for the same aggregate, always, and spreads over all', () => {
    const id = randomUUID()
    expect(shardOf(id)).toBe(shardOf(id))
    const shards = new Set(Array.from({ length: 500 }, () => shardOf(randomUUID())))
    expect([...shards].toSorted((a, b) => a - b)).toEqual(Array.from({ length: SHARDS }, (_, at) => at))
  })

  it('refuses a version that the aggregate has', async () => {
    await append('a', 1)
    await expect(append('a', 1)).rejects.toThrow('outbox_aggregate_version')
    expect(await waiting()).toBe(1)
  })

  it('leaves nothing when the transaction fails, and no relay is told', async () => {
    const onCommit = vi.fn<() => void>()
    const transact = createUnitOfWork(orders.database, onCommit)
    const failing = transact(async (tx) => {
      await appendEvent(tx, {
        type: 'user.registered',
        aggregateId: 'a',
        version: 1,
        payload: { userId: 'x' },
      })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect([await waiting(), onCommit.mock.calls.length]).toEqual([0, 0])
  })
})

describe('startRelay', () => {
  it('publishes the event as it was written, with its trace', async () => {
    const published: OutgoingEvent[] = []
    const trace = continueTrace(undefined)
    await withTrace(trace, () => append('a', 1))
    const row = await orders.database.outbox.findFirstOrThrow()
    relay(async (event) => void published.push(event))
    await vi.waitFor(async () => expect(await waiting()).toBe(0), 40_000)
    expect(published).toEqual([
      {
        eventId: row.eventId,
        eventType: 'user.registered',
        aggregateId: 'a',
        timestamp: row.createdAt.toISOString(),
        version: 1,
        payload: row.payload,
        trace: trace.traceparent,
      },
    ])
  })

  it('loses, repeats and reorders nothing, with writers and two relays at once', async () => {
    const published: OutgoingEvent[] = []
    const publish = async (event: OutgoingEvent) => {
      await sleep(Math.random() * 3)
      published.push(event)
    }
    relay(publish)
    relay(publish)
    const ids = Array.from({ length: 12 }, () => randomUUID())
    await Promise.all(
      ids.map(async (id) => {
        for (let version = 1; version <= 10; version++) await append(id, version)
      }),
    )
    await vi.waitFor(async () => expect(await waiting()).toBe(0), 40_000)
    await stopRelays()
    expect(published).toHaveLength(120)
    for (const id of ids) expect(versionsOf(published, id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('does not pass an event whose transaction is still open', async () => {
    const published: OutgoingEvent[] = []
    relay(async (event) => void published.push(event))
    const [written, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = orders.transact(async (tx) => {
      await appendEvent(tx, {
        type: 'user.registered',
        aggregateId: 'slow',
        version: 1,
        payload: { userId: 'x' },
      })
      written.resolve()
      await gate.promise
    })
    await written.promise
    await append('fast', 1)
    await vi.waitFor(() => expect(versionsOf(published, 'fast')).toEqual([1]), 40_000)
    gate.resolve()
    await slow
    await vi.waitFor(() => expect(versionsOf(published, 'slow')).toEqual([1]), 40_000)
    expect(published).toHaveLength(2)
  })

  it('keeps everything while the broker is away, asks it seldom, and goes on when it is back', async () => {
    const published: OutgoingEvent[] = []
    const attempts = vi.fn<() => void>()
    let away = true
    const warn = vi.fn<() => void>()
    for (const version of [1, 2, 3]) await append('a', version)
    await append('b', 1)
    const running = relay(
      async (event) => {
        attempts()
        if (away) throw new Error('not connected')
        published.push(event)
      },
      Object.assign(Object.create(silentLogger), { warn }),
    )
    await vi.waitFor(() => expect(attempts).toHaveBeenCalledTimes(2), 40_000) // the first event of each aggregate
    await sleep(200)
    expect(attempts).toHaveBeenCalledTimes(2)
    expect(warn).toHaveBeenCalledOnce()
    expect(await orders.database.outbox.count({ where: { attempts: { gt: 0 } } })).toBe(0)
    away = false
    running.nudge()
    await vi.waitFor(async () => expect(await waiting()).toBe(0), 40_000)
    expect([versionsOf(published, 'a'), versionsOf(published, 'b')]).toEqual([[1, 2, 3], [1]])
  })

  it('stops only the aggregate whose event fails', async () => {
    const published: OutgoingEvent[] = []
    const ids = ['bad', ...Array.from({ length: 20 }, () => randomUUID())]
    for (const id of ids) for (const version of [1, 2]) await append(id, version)
    relay(async (event) => {
      if (event.aggregateId === 'bad') throw new Error('no answer')
      published.push(event)
    })
    await vi.waitFor(async () => expect(await waiting()).toBe(2), 40_000)
    expect(published).toHaveLength(40)
    expect(versionsOf(published, 'bad')).toEqual([])
  })

  it('parks a poisonous event, which stops its aggregate and no other', async () => {
    const published: OutgoingEvent[] = []
    let isTooLarge = true
    for (const version of [1, 2, 3]) await append('poisoned', version)
    relay(async (event) => {
      if (isTooLarge && event.aggregateId === 'poisoned' && event.version === 2)
        throw new UnpublishableEventError('too large')
      published.push(event)
    })
    const parked = () => orders.database.outbox.findMany({ where: { parkedAt: { not: null } } })
    await vi.waitFor(async () => expect(await parked()).toHaveLength(1), 40_000)
    expect(await parked()).toMatchObject([{ version: 2, attempts: 20, lastError: 'too large' }])
    await append('healthy', 1)
    await append('poisoned', 4)
    await vi.waitFor(() => expect(versionsOf(published, 'healthy')).toEqual([1]), 40_000)
    await sleep(50)
    expect(versionsOf(published, 'poisoned')).toEqual([1])
    await expect(probeOutbox(orders.database)()).rejects.toThrow('1 events are parked')
    // an operator made room for it
    isTooLarge = false
    await orders.database.outbox.updateMany({ data: { parkedAt: null } })
    await vi.waitFor(() => expect(versionsOf(published, 'poisoned')).toEqual([1, 2, 3, 4]), 40_000)
  })

  it('says how many wait', async () => {
    await append('a', 1)
    expect(await probeOutbox(orders.database)()).toBe('1 waiting')
  })
})
