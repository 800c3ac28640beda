import { randomUUID } from 'node:crypto'
import { jetstreamManager } from '@nats-io/jetstream'
import { beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { EVENT_STREAM } from '#contracts/events.ts'
import { testBus } from '#tests/support/broker.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { startProxy } from '#tests/support/proxy.ts'
import { isPoison, type EventBus, type OutgoingEvent } from './event-bus.ts'
import { appendEvent } from './outbox.ts'
import { startRelay } from './relay.ts'
import { createRepublishEvents, type RepublishEvents } from './republish.ts'

let bus: EventBus
let orders: TestOrders
let republish: RepublishEvents
beforeAll(async () => {
  bus = testBus()
  await bus.ready()
  orders = await testOrders()
})
beforeEach(async () => {
  await orders.database.outbox.deleteMany()
  republish = createRepublishEvents({
    database: orders.database,
    bus,
    service: 'users',
    logger: silentLogger,
    settledSeconds: 0,
  })
})

const append = (aggregateId: string, version: number) =>
  orders.transact((tx) =>
    appendEvent(tx, { type: 'user.registered', aggregateId, version, payload: { userId: aggregateId } }),
  )

/** The broker acknowledges everything; what `isLost` it has forgotten afterwards. */
async function publishAll(isLost: (event: OutgoingEvent) => boolean = () => false): Promise<void> {
  const publish: EventBus['publish'] = async (event) => {
    if (!isLost(event)) await bus.publish(event)
  }
  const relay = startRelay({ database: orders.database, publish, isPoison, pollMs: 5, logger: silentLogger })
  await expect.poll(() => orders.database.outbox.count({ where: { publishedAt: null } })).toBe(0)
  await relay.stop()
}

const streams = async () => (await jetstreamManager((await bus.ready()).connection)).streams

/** What the stream has of one aggregate: `[sequence, version]`. */
async function inStream(aggregateId: string): Promise<[number, number][]> {
  const subject = `evt.users.user.registered.${aggregateId}`
  const found: [number, number][] = []
  for (let seq = 1; ;) {
    const query = { seq, next_by_subj: subject }
    const message = await (await streams()).getMessage(EVENT_STREAM, query)
    if (message === null) return found
    found.push([message.seq, message.json<{ version: number }>().version])
    seq = message.seq + 1
  }
}

const versionsInStream = async (aggregateId: string) =>
  (await inStream(aggregateId)).map(([, version]) => version)

describe('republishEvents', () => {
  it('does nothing where nothing is missing', async () => {
    const id = randomUUID()
    for (const version of [1, 2, 3]) await append(id, version)
    await publishAll()
    expect(await republish()).toEqual([])
    expect(await versionsInStream(id)).toEqual([1, 2, 3])
  })

  it('publishes again what the stream has lost, in order, once', async () => {
    const [broken, whole] = [randomUUID(), randomUUID()]
    for (const version of [1, 2, 3, 4]) {
      await append(broken, version)
      await append(whole, version)
    }
    await publishAll(({ aggregateId, version }) => aggregateId === broken && version > 2)
    const original = await orders.database.outbox.findFirstOrThrow({
      where: { aggregateId: broken, version: 3 },
    })
    expect(await versionsInStream(broken)).toEqual([1, 2])
    expect(await republish()).toEqual([
      {
        kind: 'event_missing',
        subjectId: broken,
        orderId: null,
        detail: 'the stream had lost user.registered@3, user.registered@4; published again',
        repaired: true,
      },
    ])
    expect(await versionsInStream(broken)).toEqual([1, 2, 3, 4])
    expect(await versionsInStream(whole)).toEqual([1, 2, 3, 4])
    const [, , [seq] = [0]] = await inStream(broken)
    const again = await (await streams()).getMessage(EVENT_STREAM, { seq })
    expect(again?.json()).toMatchObject({
      eventId: original.eventId,
      timestamp: original.createdAt.toISOString(),
      version: 3,
    })
    expect(await republish()).toEqual([])
  })

  it('takes nothing for lost because another run begins', async () => {
    const id = randomUUID()
    for (const version of [1, 2, 3]) await append(id, version)
    await publishAll()
    const { client, connection } = await bus.ready()
    const get = client.consumers.get.bind(client.consumers)
    const opening = vi.spyOn(client.consumers, 'get').mockImplementationOnce(async (stream, name) => {
      const consumer = await get(stream, name)
      const fetch = consumer.fetch.bind(consumer)
      let rounds = 0
      consumer.fetch = async (options) => {
        rounds += 1
        if (rounds === 2) {
          const { consumers } = await jetstreamManager(connection)
          const { config } = await consumer.info()
          await consumers.delete(stream, config.name!)
          await consumers.add(stream, config)
        }
        return fetch({ ...options, max_messages: 1 })
      }
      return consumer
    })
    await expect(republish()).rejects.toThrow('the stream is read by two at once')
    opening.mockRestore()
    expect(await republish()).toEqual([])
    expect(await versionsInStream(id)).toEqual([1, 2, 3])
  })

  it('leaves alone what is not published yet, or only just', async () => {
    const id = randomUUID()
    await append(id, 1)
    expect(await republish()).toEqual([])
    await publishAll(() => true)
    const patient = createRepublishEvents({
      database: orders.database,
      bus,
      service: 'users',
      logger: silentLogger,
    })
    expect(await patient()).toEqual([])
    expect(await versionsInStream(id)).toEqual([])
  })

  it('tells of rows that the broker refuses, which it cannot repair', async () => {
    const id = randomUUID()
    await append(id, 1)
    await orders.database.outbox.updateMany({ data: { parkedAt: new Date(), lastError: 'too large' } })
    expect(await republish()).toEqual([
      {
        kind: 'event_missing',
        subjectId: id,
        orderId: null,
        detail: 'the broker refuses user.registered@1: too large',
        repaired: false,
      },
    ])
  })

  it('names the order that an event is about', async () => {
    const orderId = randomUUID()
    await append(orderId, 1)
    await orders.database.outbox.updateMany({ data: { parkedAt: new Date(), payload: { orderId } } })
    expect(await republish()).toMatchObject([{ subjectId: orderId, orderId }])
  })

  it('fails, and changes nothing, while the broker is away', async () => {
    const id = randomUUID()
    await append(id, 1)
    await publishAll()
    const proxy = await startProxy(new URL(inject('infrastructure').natsUrl).host)
    const through = testBus(`nats://${proxy.address}`)
    await through.ready()
    await proxy.cut()
    await expect
      .poll(() =>
        through.probe().then(
          () => 'up',
          () => 'away',
        ),
      )
      .toBe('away')
    const failing = createRepublishEvents({
      database: orders.database,
      bus: through,
      service: 'users',
      logger: silentLogger,
      settledSeconds: 0,
    })
    await expect(failing()).rejects.toThrow('not connected')
    expect(await versionsInStream(id)).toEqual([1])
  })
})
