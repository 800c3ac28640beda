/** What the parts need of the broker, as the users that they are; what they may not is in nats.test.ts. */
import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CHANNELS, durablesOf } from '#contracts/consumers.ts'
import { EVENT_STREAM } from '#contracts/events.ts'
import { DATABASE_NAMES, SERVICE_NAMES } from '#contracts/services.ts'
import { followRevocations } from '#gateway/revocation-feed.ts'
import { startConsumer } from '#platform/events/consumer.ts'
import { createEventBus, type EventBus } from '#platform/events/event-bus.ts'
import { createDeadLetters } from '#platform/events/redrive.ts'
import { createRepublishEvents } from '#platform/events/republish.ts'
import { outgoing, subjectsOfUser } from '#tests/support/broker.ts'
import { connectAs, natsServer } from '#tests/support/nats-server.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'

const nats = natsServer()
const buses = new Map<string, EventBus>()
const busOf = (user: string): EventBus => {
  const { address, credentials } = nats()
  const password = credentials[user]!.password
  const bus =
    buses.get(user) ??
    createEventBus({ url: `nats://${address}`, user, password, name: user, logger: silentLogger })
  buses.set(user, bus)
  return bus
}
afterAll(() => Promise.all([...buses.values()].map((bus) => bus.close())))

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders()
  await busOf('users').ready() // makes the streams
})

const durables = SERVICE_NAMES.flatMap((service) =>
  durablesOf(service).map((durable) => ({ service, durable })),
)

describe('NATS', () => {
  test.each(durables)('$service follows events as $durable, and takes dead letters again', async (own) => {
    const id = randomUUID()
    const handle = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('broken')).mockResolvedValue()
    const subjects = subjectsOfUser(id)
    const start = () =>
      startConsumer({
        ...own,
        bus: busOf(own.service),
        subjects,
        handle,
        logger: silentLogger,
        maxFailures: 1,
      })
    const consumer = start()
    const letters = createDeadLetters(busOf('orders'))
    const ofThis = async () => {
      const { letters: all } = await letters.list({ after: 0, limit: 100, includeRedriven: false })
      return all.filter(({ letter }) => letter.consumer === own.durable)
    }
    await busOf('users').publish(outgoing(id, 1))
    await vi.waitFor(async () => expect(await ofThis()).toHaveLength(1), 40_000)
    await consumer.stop()
    const again = start() // finds itself there
    await letters.redrive((await ofThis())[0]!.letter, 'an operator')
    await vi.waitFor(async () => expect(await ofThis()).toEqual([]), 40_000)
    expect(handle).toHaveBeenCalledTimes(2)
    await again.stop()
    const { connection } = await busOf('operator').ready()
    const manager = await jetstreamManager(connection)
    const { num_ack_pending: unacknowledged } = await manager.consumers.info(EVENT_STREAM, own.durable)
    expect(unacknowledged).toBe(0)
  })

  test.each(DATABASE_NAMES)('%s compares the stream with its outbox, again and again', async (service) => {
    await orders.database.outbox.deleteMany()
    const eventId = randomUUID()
    await orders.database.$executeRaw`
      INSERT INTO outbox (event_id, aggregate_id, version, shard, type, payload, published_at)
      VALUES (${eventId}::uuid, 'x', 1, 0, 'user.changed', '{}', now() - interval '1 hour')`
    const bus: EventBus = { ...busOf(service), publish: vi.fn<EventBus['publish']>().mockResolvedValue() }
    await bus.ready()
    const republish = createRepublishEvents({ database: orders.database, bus, service, logger: silentLogger })
    expect(await republish()).toHaveLength(1)
    expect(await republish()).toHaveLength(1)
    expect(bus.publish).toHaveBeenCalledTimes(2)
  })

  test('the gateway learns what was revoked, also from a stream that was made anew', async () => {
    const apply = vi.fn<() => void>()
    const revocations = { apply, isRevoked: () => false }
    const before = outgoing(randomUUID(), 1)
    await busOf('users').publish(before)
    const feed = followRevocations({ bus: busOf('gateway'), revocations, logger: silentLogger })
    await feed.caughtUp
    expect(apply).toHaveBeenLastCalledWith(expect.objectContaining({ eventId: before.eventId }))
    const live = outgoing(randomUUID(), 1)
    await busOf('users').publish(live)
    await vi.waitFor(() => {
      expect(apply).toHaveBeenLastCalledWith(expect.objectContaining({ eventId: live.eventId }))
    }, 40_000)

    const operator = await connectAs(nats(), 'operator')
    const { streams } = await jetstreamManager(operator)
    await streams.delete(EVENT_STREAM)
    await streams.add({ name: EVENT_STREAM, subjects: ['evt.>'] })
    const anew = outgoing(randomUUID(), 1)
    await busOf('users').publish(anew)
    await vi.waitFor(() => {
      expect(apply).toHaveBeenLastCalledWith(expect.objectContaining({ eventId: anew.eventId }))
    }, 40_000)
    await Promise.all([feed.stop(), operator.close()])
  })

  test('every channel that there is has its consumer', async () => {
    const files = await readdir('services/notifications/channels', { recursive: true })
    const folders = files.flatMap((file) => /^([a-z]+)\/channel\.ts$/.exec(file)?.[1] ?? [])
    expect(folders.toSorted()).toEqual([...CHANNELS])
  })
})
