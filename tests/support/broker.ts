/** The real NATS for one test file; the stream is everybody's, so that tests use aggregates of their own. */
import { randomUUID } from 'node:crypto'
import { errors } from '@nats-io/transport-node'
import { inject } from 'vitest'
import { createEventBus, type EventBus, type OutgoingEvent } from '#platform/events/event-bus.ts'
import { closeWithFile } from './closing.ts'
import { silentLogger } from './orders.ts'

const PUBLISH_PATIENCE_MS = 30_000

/**
 * Publishes again what the broker has not answered in time, which a paused machine keeps it from: by its message id it is
 * one event all the same.
 *
 * @param url the way there, where it is not the direct one
 */
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
  return {
    ...bus,
    async publish(event) {
      const deadline = performance.now() + PUBLISH_PATIENCE_MS
      for (;;) {
        try {
          return await bus.publish(event)
        } catch (error) {
          if (!(error instanceof errors.TimeoutError) || performance.now() > deadline) throw error
        }
      }
    },
  }
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
