/** This channel's own streams: what waits to be sent, and what was tried. */
import {
  jetstreamManager,
  JetStreamApiCodes,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream'
import type { EventBus } from '#platform/events/event-bus.ts'

export const DELIVERIES = 'WEBHOOKS'
export const ATTEMPTS = 'WEBHOOK_ATTEMPTS'

export const deliverySubject = (endpointId: string, eventId: string): string =>
  `webhook.delivery.${endpointId}.${eventId}`
export const attemptSubject = (endpointId: string): string => `webhook.attempt.${endpointId}`

const DAY_NANOS = 86_400_000_000_000
export const ATTEMPTS_PER_ENDPOINT = 100

const STREAMS = [
  {
    name: DELIVERIES,
    subjects: [deliverySubject('*', '*')],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    // longer than anybody tries: what is left then belongs to endpoints that are gone
    max_age: 14 * DAY_NANOS,
  },
  {
    name: ATTEMPTS,
    subjects: [attemptSubject('*')],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_msgs_per_subject: ATTEMPTS_PER_ENDPOINT,
    max_age: 30 * DAY_NANOS,
    allow_direct: true,
  },
]

export interface Streams {
  client: JetStreamClient
  manager: JetStreamManager
}

/** Opens the streams when they are first needed, making them where they are missing: the broker may be away at the start. */
export function openStreams(bus: Pick<EventBus, 'ready'>): () => Promise<Streams> {
  let opening: Promise<Streams> | undefined

  async function open(): Promise<Streams> {
    const { connection, client } = await bus.ready()
    const manager = await jetstreamManager(connection)
    for (const stream of STREAMS) {
      if (!(await exists(manager, stream.name))) await manager.streams.add(stream)
    }
    return { client, manager }
  }

  return () => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
}

async function exists(manager: JetStreamManager, name: string): Promise<boolean> {
  try {
    await manager.streams.info(name)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** There is no such stream or consumer. */
export const isMissing = (error: unknown): boolean =>
  error instanceof JetStreamApiError && MISSING.has(error.code)

const MISSING = new Set<number>([JetStreamApiCodes.StreamNotFound, JetStreamApiCodes.ConsumerNotFound])
