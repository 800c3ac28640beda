/** The real NATS for one test file; the stream is everybody's, so that tests use aggregates of their own. */
import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import { createEventBus, type EventBus, type OutgoingEvent } from '#platform/events/event-bus.ts'
import { closeWithFile } from './closing.ts'
import { silentLogger } from './orders.ts'

/** @param url the way there, where it is not the direct one */
export function testBus(url?: string): EventBus {
  const { natsUrl, nats } = inject('infrastructure')
  const bus = createEventBus({
    url: url ?? natsUrl,
    user: nats.user,
    password: nats.password,
    name: 'test',
    logger: silentLogger,
  })
  closeWithFile(() => bus.close())
  return bus
}

/** A valid event of a user, or whatever the changes make of it. */
export const outgoing = (aggregateId: string, version: number, changes: object = {}): OutgoingEvent => ({
  eventId: randomUUID(),
  eventType: 'user.registered',
  aggregateId,
  timestamp: new Date().toISOString(),
  version,
  payload: { userId: aggregateId },
  trace: null,
  ...changes,
})

/** The subjects of one user's events. */
export const subjectsOfUser = (id: string): string[] => [`evt.users.user.*.${id}`]
