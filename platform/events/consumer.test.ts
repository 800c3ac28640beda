import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { DEAD_LETTER_STREAM, EVENT_STREAM, type AnyDomainEvent } from '#contracts/events.ts'
import { outgoing, subjectsOfUser, testBus } from '#tests/support/broker.ts'
import { openOrders, silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { startProxy } from '#tests/support/proxy.ts'
import { inTransaction } from '../database.ts'
import { NotSentError } from '../outbound/json-client.ts'
import { currentTrace } from '../trace.ts'
import { startConsumer, type ConsumerOptions, type EventConsumer } from './consumer.ts'
import type { EventBus } from './event-bus.ts'
import { advance, EventGapError, firstTime } from './inbox.ts'

let bus: EventBus
beforeAll(async () => {
  bus = testBus()
  await bus.ready()
})

const consumers: EventConsumer[] = []
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()))
})

function consume(id: string, handle: ConsumerOptions['handle'], changes: Partial<ConsumerOptions> = {}) {
  const options = { bus, service: 'orders', subjects: subjectsOfUser(id), logger: silentLogger } as const
  const consumer = startConsumer({ ...options, durable: `test-${id}`, handle, ...changes })
  consumers.push(consumer)
  return consumer
}

/** Dead letters of one test's consumer: where they came from, why, and what they hold. */
async function deadLetters(id: string) {
  const { connection, client } = await bus.ready()
  const manager = await jetstreamManager(connection)
  const subject = `dlq.orders.test-${id}`
  const { state } = await manager.streams.info(DEAD_LETTER_STREAM, { subjects_filter: subject })
  const count = state.subjects?.[subject] ?? 0
  const last =
    count === 0 ? undefined : await manager.streams.getMessage(DEAD_LETTER_STREAM, { last_by_subj: subject })
  return { count, last, client }
}

async function unacknowledged(id: string): Promise<number> {
  const { connection } = await bus.ready()
  const info = await (await jetstreamManager(connection)).consumers.info(EVENT_STREAM, `test-${id}`)
  return info.num_ack_pending + info.num_pending
}

describe('startConsumer', () => {
  it('hands over what was published before and after it started, with its trace, and acknowledges it', async () => {
    const id = randomUUID()
    const seen: [AnyDomainEvent, string | undefined][] = []
    const first = outgoing(id, 1, { trace: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` })
    await bus.publish(first)
    consume(id, async (event) => void seen.push([event, currentTrace()?.traceId]))
    await vi.waitFor(() => expect(seen).toHaveLength(1), 40_000)
    await bus.publish(outgoing(id, 2))
    await vi.waitFor(() => expect(seen).toHaveLength(2), 40_000)
    const { trace: _trace, ...event } = first
    expect(seen[0]).toEqual([event, 'c'.repeat(32)])
    await vi.waitFor(async () => expect(await unacknowledged(id)).toBe(0), 40_000)
  })

  it('keeps each aggregate’s order and works on different ones at once', async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    for (const version of [1, 2, 3, 4, 5]) {
      for (const id of [one, two]) await bus.publish(outgoing(id, version))
    }
    const log: string[] = []
    let atOnce = 0
    let most = 0
    consume(
      one,
      async ({ aggregateId, version }) => {
        most = Math.max(most, ++atOnce)
        await sleep(aggregateId === one ? 8 : 2)
        log.push(`${aggregateId}:${version}`)
        atOnce -= 1
      },
      { subjects: [...subjectsOfUser(one), ...subjectsOfUser(two)] },
    )
    await vi.waitFor(() => expect(log).toHaveLength(10), 40_000)
    for (const id of [one, two]) {
      expect(log.filter((entry) => entry.startsWith(id))).toEqual([1, 2, 3, 4, 5].map((at) => `${id}:${at}`))
    }
    expect(most).toBe(2)
  })

  it('delivers again after a failure, until it works', async () => {
    const id = randomUUID()
    const handle = vi
      .fn<ConsumerOptions['handle']>()
      .mockRejectedValueOnce(new Error('the database is away'))
      .mockResolvedValue()
    consume(id, handle)
    await bus.publish(outgoing(id, 1))
    await vi.waitFor(() => expect(handle).toHaveBeenCalledTimes(2), 40_000)
    await vi.waitFor(async () => expect(await unacknowledged(id)).toBe(0), 40_000)
    expect((await deadLetters(id)).count).toBe(0)
  })

  it('writes a dead letter with the error after the last delivery, and then takes it no more', async () => {
    const id = randomUUID()
    const handle = vi.fn<ConsumerOptions['handle']>().mockRejectedValue(new TypeError('cannot\nread it'))
    consume(id, handle, { maxFailures: 2 })
    const trace = `00-${'e'.repeat(32)}-${'f'.repeat(16)}-01`
    const event = outgoing(id, 1, { trace })
    await bus.publish(event)
    await vi.waitFor(async () => expect((await deadLetters(id)).count).toBe(1), 40_000)
    const { last } = await deadLetters(id)
    expect(last?.header.get('Mainstay-Subject')).toBe(`evt.users.user.registered.${id}`)
    expect(last?.header.get('Mainstay-Consumer')).toBe(`test-${id}`)
    expect(last?.header.get('Mainstay-Error')).toBe('TypeError: cannot read it')
    expect(last?.header.get('Mainstay-Deliveries')).toBe('2')
    expect(last?.header.get('traceparent')).toBe(trace)
    const { trace: _trace, ...body } = event
    expect(last?.json()).toEqual(body)
    await vi.waitFor(async () => expect(await unacknowledged(id)).toBe(0), 40_000)
    expect(handle).toHaveBeenCalledTimes(2)
  })

  it('writes a dead letter at once for what is no event, and goes on with the next', async () => {
    const id = randomUUID()
    const handle = vi.fn<ConsumerOptions['handle']>().mockResolvedValue()
    consume(id, handle)
    const { client } = await bus.ready()
    await client.publish(`evt.users.user.registered.${id}`, '{"not": "an event"}', { timeout: 30_000 })
    await bus.publish(outgoing(id, 1, { payload: { userId: id, email: 'who@example.com' } }))
    await bus.publish(outgoing(id, 2))
    await vi.waitFor(() => expect(handle).toHaveBeenCalledOnce(), 40_000)
    await vi.waitFor(async () => expect((await deadLetters(id)).count).toBe(2), 40_000)
    expect((await deadLetters(id)).last?.header.get('Mainstay-Error')).toContain('email is not a known field')
  })

  it('keeps an event in hand while the database is away, in order, and does not count that', async () => {
    const orders: TestOrders = await testOrders()
    const { host } = new URL(orders.url)
    const proxy = await startProxy(host)
    const through = openOrders(orders.url.replace(host, proxy.address), 2)
    const id = randomUUID()
    const consumer = `test-${id}`
    let tries = 0
    const applied: number[] = []
    const running = consume(
      id,
      async ({ eventId, version }) => {
        tries += 1
        await inTransaction(through, async (tx) => {
          if (await firstTime(tx, { consumer, eventId })) applied.push(version)
        })
      },
      { maxFailures: 1 },
    )
    await proxy.cut()
    for (const version of [1, 2, 3]) await bus.publish(outgoing(id, version))
    // far more often than its own failures may be
    await vi.waitFor(() => expect(tries).toBeGreaterThan(3), 20_000)
    expect(applied).toEqual([])
    await proxy.restore()
    await vi.waitFor(() => expect(applied).toEqual([1, 2, 3]), 20_000)
    await vi.waitFor(async () => expect(await unacknowledged(id)).toBe(0), 40_000)
    expect((await deadLetters(id)).count).toBe(0)
    await running.stop()
    await through.$disconnect()
  })

  it('stops at once while it waits for what is away, and leaves the event to others', async () => {
    const id = randomUUID()
    const away = vi.fn<ConsumerOptions['handle']>(async () => {
      throw new NotSentError('the users service cannot be reached')
    })
    const first = consume(id, away)
    await bus.publish(outgoing(id, 1))
    await vi.waitFor(() => expect(away.mock.calls.length).toBeGreaterThan(3), 40_000)
    const started = performance.now()
    await first.stop()
    expect(performance.now() - started).toBeLessThan(1_900) // two seconds of its pause are left at least
    const handle = vi.fn<ConsumerOptions['handle']>().mockResolvedValue()
    consume(id, handle)
    await vi.waitFor(() => expect(handle).toHaveBeenCalledOnce(), 40_000)
    expect((await deadLetters(id)).count).toBe(0)
  })

  it('waits for the earlier event when one is missing, longer than that one is retried', async () => {
    const id = randomUUID()
    const calls: number[] = []
    consume(
      id,
      async ({ version }) => {
        calls.push(version)
        throw version === 1 ? new Error('away') : new EventGapError('version 1 is missing')
      },
      { maxFailures: 1 },
    )
    await bus.publish(outgoing(id, 1))
    await bus.publish(outgoing(id, 2))
    // with one delivery each, the first is dead at once, while the second has four
    await vi.waitFor(async () => expect((await deadLetters(id)).count).toBe(2), 40_000)
    // a letter whose acknowledgement is late is written again, after one more delivery
    expect(calls.slice(0, 5)).toEqual([1, 2, 2, 2, 2])
  })

  it('has one effect for each event, in order, through failures and redeliveries', async () => {
    const orders: TestOrders = await testOrders()
    const id = randomUUID()
    const consumer = `test-${id}`
    const applied: number[] = []
    let calls = 0
    consume(id, ({ eventId, aggregateId, version }) =>
      orders.transact(async (tx) => {
        calls += 1
        if (!(await advance(tx, { consumer, eventId, aggregateId, version }))) return
        if (calls % 3 === 0) throw new Error('every third try fails')
        await tx.$executeRaw`
          INSERT INTO timeline_entries (order_id, at, kind, name, status, source)
          VALUES (${id}::uuid, clock_timestamp(), 'event', ${String(version)}, 'x', gen_random_uuid()::text)`
        applied.push(version)
      }),
    )
    const events = [1, 2, 3, 4, 5, 6].map((version) => outgoing(id, version))
    for (const event of events) await bus.publish(event)
    // the same events once more, as a relay sends them whose acknowledgement got lost
    const { client } = await bus.ready()
    for (const { trace: _trace, ...event } of events) {
      await client.publish(`evt.users.user.registered.${id}`, JSON.stringify(event), { timeout: 30_000 })
    }
    await vi.waitFor(async () => expect(await unacknowledged(id)).toBe(0), 40_000)
    const rows = await orders.database.timelineEntry.findMany({ orderBy: { id: 'asc' } })
    expect(rows.map(({ name }) => name)).toEqual(['1', '2', '3', '4', '5', '6'])
    expect((await deadLetters(id)).count).toBe(0)
  })

  it('finishes what it is handling before it has stopped, and takes nothing after', async () => {
    const id = randomUUID()
    const gate = Promise.withResolvers<void>()
    const handle = vi.fn<ConsumerOptions['handle']>(() => gate.promise)
    const consumer = consume(id, handle)
    await bus.publish(outgoing(id, 1))
    await vi.waitFor(() => expect(handle).toHaveBeenCalledOnce(), 40_000)
    const stopped = vi.fn<() => void>()
    const stopping = consumer.stop().then(stopped)
    await sleep(30)
    expect(stopped).not.toHaveBeenCalled()
    gate.resolve()
    await stopping
    await bus.publish(outgoing(id, 2))
    await sleep(50)
    expect(handle).toHaveBeenCalledOnce()
    expect(await unacknowledged(id)).toBe(1)
  })

  it('stops at once while NATS is away: before it ever came, and after it went', async () => {
    const proxy = await startProxy(new URL(inject('infrastructure').natsUrl).host)
    const [absent, leaving] = [testBus('nats://127.0.0.1:1'), testBus(`nats://${proxy.address}`)]
    const id = randomUUID()
    const handle = vi.fn<ConsumerOptions['handle']>().mockResolvedValue()
    const never = consume(randomUUID(), handle, { bus: absent })
    const left = consume(id, handle, { bus: leaving })
    await bus.publish(outgoing(id, 1))
    await vi.waitFor(() => expect(handle).toHaveBeenCalledOnce(), 40_000)
    await proxy.cut()
    await vi.waitFor(() => expect(leaving.probe()).rejects.toThrow('not connected'), 40_000)
    const started = performance.now()
    await Promise.all([never.stop(), left.stop()])
    expect(performance.now() - started).toBeLessThan(2_900)
  })

  // a message that the server had already handed to the dead connection comes again after the ack wait of 30 seconds
  it('goes on when NATS is back', { timeout: 60_000 }, async () => {
    const proxy = await startProxy(new URL(inject('infrastructure').natsUrl).host)
    const id = randomUUID()
    const versions: number[] = []
    const through = testBus(`nats://${proxy.address}`)
    consume(id, async ({ version }) => void versions.push(version), { bus: through })
    await bus.publish(outgoing(id, 1))
    await vi.waitFor(() => expect(versions).toEqual([1]), 40_000)
    await proxy.cut()
    await bus.publish(outgoing(id, 2))
    await proxy.restore()
    await vi.waitFor(() => expect(versions.at(-1)).toBe(2), 45_000)
    expect(versions.filter((version) => version === 1).length).toBeLessThanOrEqual(2)
  })

  it('makes its consumer again when that is gone', async () => {
    const id = randomUUID()
    const versions: number[] = []
    consume(id, async ({ version }) => void versions.push(version))
    await bus.publish(outgoing(id, 1))
    await vi.waitFor(() => expect(versions).toEqual([1]), 40_000)
    await vi.waitFor(async () => expect(await unacknowledged(id)).toBe(0), 40_000)
    const { connection } = await bus.ready()
    await (await jetstreamManager(connection)).consumers.delete(EVENT_STREAM, `test-${id}`)
    await bus.publish(outgoing(id, 2))
    // a new consumer begins at the beginning; the inbox is what makes that harmless
    await vi.waitFor(() => expect(versions).toEqual([1, 1, 2]), 40_000)
  })
})
