import type { AnyDomainEvent } from '#contracts/events.ts'
import { leavesPlatform } from '#contracts/http/notifications.ts'
import type { SendOnce } from '../../send-once.ts'
import type { Endpoints, StoredEndpoint } from './endpoints.ts'
import type { DeliveryQueue } from './queue.ts'

export interface FanOutDependencies {
  endpoints: Pick<Endpoints, 'recent'>
  queue: Pick<DeliveryQueue, 'add'>
  sendOnce: SendOnce
}

/** Puts an event in the queue of every endpoint that wants it, once. */
export const createFanOut =
  ({ endpoints, queue, sendOnce }: FanOutDependencies) =>
  async (event: AnyDomainEvent): Promise<void> => {
    if (!leavesPlatform(event.eventType)) return
    for (const endpoint of await endpoints.recent()) {
      if (!wants(endpoint, event)) continue
      await sendOnce(`${event.eventId}.webhook.${endpoint.id}`, () => queue.add(endpoint.id, event))
    }
  }

/** An endpoint hears of what happens after it was made: the stream holds the whole past. */
const wants = ({ status, events, createdAt }: StoredEndpoint, { eventType, timestamp }: AnyDomainEvent) => {
  const aggregate = eventType.split('.', 1)[0]
  return (
    status === 'enabled' &&
    Date.parse(timestamp) >= Date.parse(createdAt) &&
    events.some((filter) => filter === eventType || filter === `${aggregate}.*`)
  )
}
