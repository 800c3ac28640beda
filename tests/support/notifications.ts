/** What a channel is given, on the real broker, with people that the test names. */
import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import type { Contact } from '#contracts/http/users.ts'
import { loadConfig, type Environment } from '#platform/config.ts'
import { createEventBus } from '#platform/events/event-bus.ts'
import { createLogger } from '#platform/logger.ts'
import { openBucket } from '#services/notifications/buckets.ts'
import type { ChannelContext } from '#services/notifications/channels/channel.ts'
import { createOrderCustomers } from '#services/notifications/order-customers.ts'
import { createSendOnce } from '#services/notifications/send-once.ts'

const KEPT_MS = 3_600_000

export interface TestContext {
  context: ChannelContext
  /** What is known of people, by user id. */
  people: Map<string, Contact>
  person(more?: Partial<Contact>): Contact
  /** Every line that was logged. */
  log: string[]
  close(): Promise<void>
}

/** @param environment the channel's own variables; `NATS_URL` and `NATS_PASSWORD` for another broker, or none */
export function testContext(environment: Environment): TestContext {
  const { natsUrl, nats } = inject('infrastructure')
  const log: string[] = []
  const logger = createLogger({
    service: 'test',
    level: 'trace',
    destination: { write: (line) => void log.push(line) },
  })
  const bus = createEventBus({
    url: environment['NATS_URL'] ?? natsUrl,
    user: nats.user,
    password: environment['NATS_PASSWORD'] ?? nats.password,
    name: 'test',
    logger,
  })
  const people = new Map<string, Contact>()
  return {
    people,
    person(more = {}) {
      const userId = randomUUID()
      const contact = { userId, email: `${userId}@example.test`, name: 'Ann', phone: null, ...more }
      people.set(userId, contact)
      return contact
    },
    log,
    context: {
      bus,
      logger,
      settings: (schema) => loadConfig(schema, environment),
      findContact: async (userId) => people.get(userId),
      orderCustomers: createOrderCustomers(openBucket(bus, 'order-customers-test', KEPT_MS)),
      sendOnce: createSendOnce(openBucket(bus, 'notifications-test', KEPT_MS)),
    },
    close: () => bus.close(),
  }
}
