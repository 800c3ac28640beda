/** The connection to NATS JetStream: it may be away at any time, also at the start, and comes back by itself. */
import {
  jetstream,
  jetstreamManager,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
} from '@nats-io/jetstream'
import { connect, headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { DEAD_LETTER_STREAM, EVENT_STREAM, isEventType, subjectOf } from '#contracts/events.ts'
import type { Logger } from '../logger.ts'

const PUBLISH_TIMEOUT_MS = 3_000
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
  publishDeadLetter(subject: string, data: Uint8Array, messageHeaders: MsgHdrs): Promise<void>
  /** Resolves once connected and the streams exist. */
  ready(): Promise<{ connection: NatsConnection; client: JetStreamClient }>
  probe(): Promise<string>
  /** Lets what is in flight finish and closes. */
  close(): Promise<void>
}

/** An event that no retry will get through: its type is unknown or the broker refuses it for what it is. */
export class UnpublishableEventError extends Error {
  override readonly name = 'UnpublishableEventError'
}

export function createEventBus({ url, user, password, name, logger }: BrokerOptions): EventBus {
  let connection: NatsConnection | undefined
  let closed = false
  const connected = open()
  connected.catch(() => {}) // reported by whoever awaits ready()

  async function open(): Promise<{ connection: NatsConnection; client: JetStreamClient }> {
    const opened = await connect({
      servers: url,
      name,
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { pass: password }),
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      pingInterval: 10_000,
      maxPingOut: 3,
    })
    connection = opened
    if (closed) {
      await opened.close()
      throw new Error('the event bus was closed before it was connected')
    }
    await ensureStreams(opened, logger, () => closed)
    return { connection: opened, client: jetstream(opened, { timeout: PUBLISH_TIMEOUT_MS }) }
  }

  return {
    ready: () => connected,
    async publish(event) {
      if (connection === undefined || connection.isClosed()) throw new Error('not connected to NATS')
      if (!isEventType(event.eventType))
        throw new UnpublishableEventError(`unknown event type ${event.eventType}`)
      const { trace, ...body } = event
      const messageHeaders = headers()
      if (trace !== null) messageHeaders.set('traceparent', trace)
      const { client } = await connected
      await client.publish(subjectOf(event.eventType, event.aggregateId), JSON.stringify(body), {
        msgID: event.eventId,
        headers: messageHeaders,
        timeout: PUBLISH_TIMEOUT_MS,
      })
    },
    async publishDeadLetter(subject, data, messageHeaders) {
      const { client } = await connected
      await client.publish(subject, data, { headers: messageHeaders, timeout: PUBLISH_TIMEOUT_MS })
    },
    async probe() {
      if (connection === undefined || connection.isClosed()) throw new Error('not connected to NATS')
      return `${await connection.rtt()} ms round trip`
    },
    async close() {
      closed = true
      if (connection !== undefined && !connection.isClosed()) await connection.drain()
    },
  }
}

export const isPoison = (error: unknown): boolean =>
  error instanceof UnpublishableEventError || (error instanceof JetStreamApiError && error.code === 10054)

/** Creates the streams where they are missing; an existing stream is left as its operator configured it. */
async function ensureStreams(
  connection: NatsConnection,
  logger: Logger,
  isClosed: () => boolean,
): Promise<void> {
  for (;;) {
    try {
      const manager = await jetstreamManager(connection)
      const streams = [
        { name: EVENT_STREAM, subjects: ['evt.>'] },
        { name: DEAD_LETTER_STREAM, subjects: ['dlq.>'] },
      ]
      for (const stream of streams) {
        const exists = await manager.streams.info(stream.name).then(
          () => true,
          (error: unknown) => {
            if (error instanceof JetStreamApiError && error.code === 10059) return false
            throw error
          },
        )
        if (exists) continue
        await manager.streams.add({
          ...stream,
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          duplicate_window: DUPLICATE_WINDOW_NANOS,
        })
      }
      return
    } catch (error) {
      if (isClosed()) throw error
      logger.warn({ err: error }, 'the event streams are not ready; trying again')
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}
