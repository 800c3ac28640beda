/** The connection to NATS JetStream: it may be away at any time, also at the start, and comes back by itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
} from '@nats-io/jetstream'
import { connect, errors, headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import {
  DEAD_LETTER_STREAM,
  EVENT_STREAM,
  isEventType,
  REDRIVE_STREAM,
  subjectOf,
} from '#contracts/events.ts'
import type { Logger } from '../logger.ts'

const PUBLISH_TIMEOUT_MS = 3_000
const RECONNECT_MS = 500
const DRAIN_MS = 5_000
const DUPLICATE_WINDOW_NANOS = 120_000_000_000

export interface BrokerOptions {
  url: string
  user?: string | undefined
  password?: string | undefined
  /** Shown in the broker's connection list. */
  name: string
  logger: Logger
}

/** An outbox row on its way out. */
export interface OutgoingEvent {
  eventId: string
  eventType: string
  aggregateId: string
  /** ISO 8601 */
  timestamp: string
  version: number
  payload: unknown
  trace: string | null
}

export interface EventBus {
  /** Resolves when the broker has stored the event. */
  publish(event: OutgoingEvent): Promise<void>
  /** Anything that is no domain event; resolves when the broker has stored it. */
  store(subject: string, data: Uint8Array, messageHeaders: MsgHdrs): Promise<void>
  /** Resolves once connected and the streams exist. */
  ready(): Promise<{ connection: NatsConnection; client: JetStreamClient }>
  probe(): Promise<string>
  /** Lets what is in flight finish and closes. */
  close(): Promise<void>
}

/** Nothing was sent: there is no connection at the moment. */
export class BrokerAwayError extends Error {
  override readonly name = 'BrokerAwayError'

  constructor() {
    super('not connected to NATS')
  }
}

/** An event that no retry will get through: its type is unknown or the broker refuses it for what it is. */
export class UnpublishableEventError extends Error {
  override readonly name = 'UnpublishableEventError'
}

export function createEventBus({ url, user, password, name, logger }: BrokerOptions): EventBus {
  const closing = new AbortController()
  let link: Link | undefined
  const connected = open()
  connected.catch(() => {}) // reported by whoever awaits ready()

  async function open(): Promise<Link> {
    const connection = await connectAtLast()
    if (closing.signal.aborted) {
      await connection.close()
      throw new Error('the event bus was closed before it was connected')
    }
    const opened = {
      connection,
      client: jetstream(connection, { timeout: PUBLISH_TIMEOUT_MS }),
      online: true,
    }
    link = opened
    void watch(opened)
    await ensureStreams(connection, logger, closing.signal)
    return opened
  }

  /** Tries until the broker is there or the bus is closed; afterwards the client reconnects by itself. */
  async function connectAtLast(): Promise<NatsConnection> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await connect({
          servers: url,
          name,
          // each user reads only its own answers: what is asked and told is nobody else's business
          ...(user === undefined ? {} : { user, inboxPrefix: `_INBOX.${user}` }),
          ...(password === undefined ? {} : { pass: password }),
          maxReconnectAttempts: -1,
          reconnectTimeWait: RECONNECT_MS,
          pingInterval: 10_000,
          maxPingOut: 3,
        })
      } catch (error) {
        if (attempt === 1) logger.warn({ err: error }, 'NATS cannot be reached; trying until it can')
        await sleep(RECONNECT_MS, undefined, { signal: closing.signal })
      }
    }
  }

  /** What is sent while the broker is away would wait and time out; better to know and fail at once. */
  function assertOnline(): Link {
    if (link === undefined || !link.online || link.connection.isClosed()) throw new BrokerAwayError()
    return link
  }

  return {
    ready: () => connected,
    async publish(event) {
      const { client } = assertOnline()
      if (!isEventType(event.eventType))
        throw new UnpublishableEventError(`unknown event type ${event.eventType}`)
      const { trace, ...body } = event
      const messageHeaders = headers()
      if (trace !== null) messageHeaders.set('traceparent', trace)
      await client.publish(subjectOf(event.eventType, event.aggregateId), JSON.stringify(body), {
        msgID: event.eventId,
        headers: messageHeaders,
        timeout: PUBLISH_TIMEOUT_MS,
      })
    },
    async store(subject, data, messageHeaders) {
      await assertOnline().client.publish(subject, data, {
        headers: messageHeaders,
        timeout: PUBLISH_TIMEOUT_MS,
      })
    },
    async probe() {
      return `${await assertOnline().connection.rtt()} ms round trip`
    },
    async close() {
      closing.abort()
      if (link === undefined || link.connection.isClosed()) return
      if (link.online) await Promise.race([link.connection.drain(), sleep(DRAIN_MS)])
      await link.connection.close()
    },
  }
}

interface Link {
  connection: NatsConnection
  client: JetStreamClient
  online: boolean
}

/** Follows whether the broker is there. */
async function watch(link: Link): Promise<void> {
  for await (const { type } of link.connection.status()) {
    if (type === 'disconnect') link.online = false
    if (type === 'reconnect') link.online = true
  }
  link.online = false
}

/** Whether this event will never be accepted, for what it is: too large, no such type, no valid subject. */
export const isPoison = (error: unknown): boolean =>
  error instanceof UnpublishableEventError ||
  error instanceof errors.InvalidArgumentError ||
  error instanceof errors.InvalidSubjectError ||
  (error instanceof JetStreamApiError && error.code === 10054)

const DAY_NANOS = 86_400_000_000_000

/** How long an event can be read, and a dead letter be sent again: longer than anybody looks away. */
const EVENTS_KEPT_DAYS = 90

const STREAMS = [
  { name: EVENT_STREAM, subjects: ['evt.>'], max_age: EVENTS_KEPT_DAYS * DAY_NANOS },
  { name: DEAD_LETTER_STREAM, subjects: ['dlq.>'], max_age: EVENTS_KEPT_DAYS * DAY_NANOS },
  {
    // requests: each is there until its consumer has done it, and a letter has at most one
    name: REDRIVE_STREAM,
    subjects: ['redrive.>'],
    max_age: 7 * DAY_NANOS,
    retention: RetentionPolicy.Workqueue,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    discard_new_per_subject: true,
  },
]

/** Creates the streams where they are missing; an existing stream is left as its operator configured it. */
async function ensureStreams(
  connection: NatsConnection,
  logger: Logger,
  closing: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      const manager = await jetstreamManager(connection)
      for (const stream of STREAMS) {
        const exists = await manager.streams.info(stream.name).then(
          () => true,
          (error: unknown) => {
            if (error instanceof JetStreamApiError && error.code === 10059) return false
            throw error
          },
        )
        if (exists) continue
        await manager.streams.add({
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          duplicate_window: DUPLICATE_WINDOW_NANOS,
          ...stream,
        })
      }
      return
    } catch (error) {
      if (closing.aborted) throw error
      logger.warn({ err: error }, 'the event streams are not ready; trying again')
      await sleep(1_000, undefined, { signal: closing })
    }
  }
}
