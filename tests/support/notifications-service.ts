/** The notifications service with a mail server and people, for one test file: its consumers are everybody's at the broker. */
import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import type { EventPayload, EventType } from '#contracts/events.ts'
import type { Environment } from '#platform/config.ts'
import type { EventBus } from '#platform/events/event-bus.ts'
import { startService } from '#platform/service.ts'
import { generateSigningKey } from '#platform/service-token.ts'
import { notificationsService } from '#services/notifications/main.ts'
import { eventOf } from '#services/notifications/test-support/events.ts'
import { startFakeUsers } from '#services/notifications/test-support/fake-users.ts'
import { createMailbox, type Mailbox } from '#stack/mailbox.ts'
import { freePorts } from '#stack/ports.ts'
import { testBus } from './broker.ts'
import { closeWithFile } from './closing.ts'

export const OPERATIONS = 'operations@example.test'

export interface TestNotifications {
  url: string
  environment: Environment
  mailbox: Mailbox
  bus: EventBus
  /** Who has asked the users service. */
  askers: readonly string[]
  /** Somebody whom the users service knows. */
  person(name?: string, phone?: string | null): { userId: string; email: string }
  /** @returns the event's id */
  publish<T extends EventType>(eventType: T, aggregateId: string, payload: EventPayload<T>): Promise<string>
}

export async function testNotifications(): Promise<TestNotifications> {
  const { natsUrl, nats, temporalAddress } = inject('infrastructure')
  const ports = await freePorts()
  const mailbox = createMailbox({ port: ports.mailbox, smtpPort: ports.smtp })
  await mailbox.start()
  closeWithFile(() => mailbox.stop())
  let url = ''
  const users = await startFakeUsers(() => url)
  closeWithFile(() => users.stop())
  const bus = testBus()
  await bus.ready()
  const environment = {
    SERVICE_SIGNING_KEY: await generateSigningKey(),
    INTERNAL_ISSUERS: 'gateway=http://127.0.0.1:1/',
    USERS_URL: users.url,
    SMTP_URL: mailbox.smtpUrl,
    OPERATIONS_EMAIL: OPERATIONS,
    // the broker's list of webhook endpoints is everybody's: see channels/webhooks
    CHANNELS: 'email,sms',
    CONSOLE_URL: 'https://shop.example.test/',
    SMS_PROVIDER: 'sandbox',
    SMS_URL: mailbox.url,
    NATS_URL: natsUrl,
    NATS_USER: nats.user,
    NATS_PASSWORD: nats.password,
    TEMPORAL_ADDRESS: temporalAddress,
    LOG_LEVEL: 'silent',
  }
  const service = await startService(notificationsService, environment)
  closeWithFile(() => service.stop())
  url = service.url

  return {
    url,
    environment,
    mailbox,
    bus,
    askers: users.askers,
    person(name = 'Ann', phone = null) {
      const userId = randomUUID()
      const email = `${userId}@example.test`
      users.people.set(userId, { email, name, phone })
      return { userId, email }
    },
    async publish(eventType, aggregateId, payload) {
      const event = eventOf(eventType, aggregateId, payload)
      await bus.publish({ ...event, trace: null })
      return event.eventId
    },
  }
}
