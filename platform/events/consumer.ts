/**
 * Durable consumers: acknowledged after the effect is committed, one message per aggregate at a time, sent to the
 * dead-letter stream with the error after the last delivery.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { AckPolicy, DeliverPolicy, JetStreamApiError, jetstreamManager, type JsMsg } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { EVENT_STREAM, EVENTS, EventEnvelope, subjectOf, type AnyDomainEvent } from '#contracts/events.ts'
import type { ServiceName } from '#contracts/services.ts'
import type { Logger } from '../logger.ts'
import { continueTrace, withTrace } from '../trace.ts'
import { compileLiteral, fieldErrors, parser, ValidationError } from '../validation.ts'
import type { EventBus } from './event-bus.ts'
import { EventGapError } from './inbox.ts'
import { createKeyedQueue } from './keyed-queue.ts'

const ACK_WAIT_NANOS = 30_000_000_000
const MAX_DELIVERIES = 12
const IN_FLIGHT = 64
/** An event that waits for an earlier one must outlast all that one's retries. */
const GAP_PATIENCE = 4
const RESTART_MS = 1_000

export interface ConsumerOptions {
  bus: EventBus
  service: ServiceName
  /** The durable's name, unique in the stream, e.g. `orders-catalog`. */
  durable: string
  /** Subject filters, e.g. `evt.inventory.product.>`. */
  subjects: string[]
  handle: (event: AnyDomainEvent) => Promise<void>
  logger: Logger
  /** Deliveries before an event is dead. */
  maxDeliveries?: number
}

export interface EventConsumer {
  /** Stops taking messages and waits for those being handled. */
  stop(): Promise<void>
}

export function startConsumer(options: ConsumerOptions): EventConsumer {
  const { bus, durable, logger } = options
  const queue = createKeyedQueue()
  const stopping = new AbortController()
  const { signal } = stopping
  const stopped = once(signal, 'abort')

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await consume()
      } catch (error) {
        if (signal.aborted) break
        logger.warn({ err: error, durable }, 'the event consumer lost its stream; it starts again')
      }
      await sleep(RESTART_MS, undefined, { signal }).catch(() => {}) // or until it is stopped
    }
    await queue.idle()
  }

  /** Takes messages until the consumer is stopped or its stream is gone. */
  async function consume(): Promise<void> {
    await Promise.race([bus.ready(), stopped])
    if (signal.aborted) return
    const { client } = await bus.ready()
    await ensureConsumer(options)
    const consumer = await client.consumers.get(EVENT_STREAM, durable)
    const messages = await consumer.consume({ max_messages: IN_FLIGHT, abort_on_missing_resource: true })
    void stopped.then(() => messages.stop())
    for await (const message of messages) {
      queue
        .add(aggregateOf(message.subject), () => receive(options, message))
        .catch((error: unknown) =>
          logger.warn({ err: error, durable }, 'an event could not be acknowledged; it comes again'),
        )
    }
  }

  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

/** `evt.<service>.<kind>.<event>.<aggregate>` */
const aggregateOf = (subject: string): string => subject.split('.').slice(4).join('.')

async function ensureConsumer({ bus, durable, subjects }: ConsumerOptions): Promise<void> {
  const { connection } = await bus.ready()
  const manager = await jetstreamManager(connection)
  const config = {
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ACK_WAIT_NANOS,
    // we count: an event that the server gave up on would be in nobody's dead letters
    max_deliver: -1,
    max_ack_pending: IN_FLIGHT * 4,
    filter_subjects: subjects,
  }
  try {
    await manager.consumers.update(EVENT_STREAM, durable, config)
  } catch (error) {
    if (!(error instanceof JetStreamApiError && error.code === 10014)) throw error
    await manager.consumers.add(EVENT_STREAM, { ...config, durable_name: durable })
  }
}

async function receive(options: ConsumerOptions, message: JsMsg): Promise<void> {
  const { handle, logger, durable, maxDeliveries = MAX_DELIVERIES } = options
  const deliveries = message.info.deliveryCount
  const trace = continueTrace(message.headers?.get('traceparent'))
  await withTrace(trace, async () => {
    try {
      // a handler that takes the process with it never gets to write the dead letter itself
      if (deliveries > maxDeliveries * GAP_PATIENCE) throw new Error('it was never handled to the end')
      await handle(parseEvent(message))
    } catch (error) {
      const gap = error instanceof EventGapError
      const limit = gap ? maxDeliveries * GAP_PATIENCE : maxDeliveries
      if (error instanceof ValidationError || deliveries >= limit) {
        await bury(options, message, error)
        return
      }
      logger[gap ? 'debug' : 'warn'](
        { err: error, durable, subject: message.subject, deliveries },
        'an event will be delivered again',
      )
      message.nak(gap ? Math.min(5_000, 50 * 2 ** deliveries) : Math.min(30_000, 250 * 2 ** deliveries))
      return
    }
    message.ack()
  })
}

/** Moves an event to the dead-letter stream; it stays where it is until that is stored. */
async function bury(
  { bus, service, durable, logger }: ConsumerOptions,
  message: JsMsg,
  error: unknown,
): Promise<void> {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const letterHeaders = headers()
  letterHeaders.set('Mainstay-Subject', message.subject)
  letterHeaders.set('Mainstay-Consumer', durable)
  letterHeaders.set('Mainstay-Error', detail.replace(/[\r\n]+/g, ' ').slice(0, 500))
  letterHeaders.set('Mainstay-Deliveries', String(message.info.deliveryCount))
  const trace = message.headers?.get('traceparent')
  if (trace !== undefined && trace !== '') letterHeaders.set('traceparent', trace)
  try {
    await bus.publishDeadLetter(`dlq.${service}.${durable}`, message.data, letterHeaders)
    message.term('dead letter')
    logger.error({ durable, subject: message.subject, detail }, 'an event went to the dead letters')
  } catch (cause) {
    logger.error({ err: cause, durable, subject: message.subject }, 'a dead letter could not be stored')
    message.nak(5_000)
  }
}

const parseEnvelope = parser('the event', EventEnvelope)
const payloadValidators = new Map<string, ReturnType<typeof compileLiteral>>(
  Object.entries(EVENTS).map(([type, { payload }]) => [type, compileLiteral(payload)] as const),
)

/**
 * The message as an event: its envelope and payload checked, and that it came on its own subject. The broker lets each
 * service publish only on its subjects; what is written inside must not say that it is somebody else's.
 */
export function parseEvent(message: Pick<JsMsg, 'data' | 'subject'>): AnyDomainEvent {
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder().decode(message.data))
  } catch {
    throw new ValidationError('the event', [{ path: '', message: 'is not JSON' }])
  }
  const envelope = parseEnvelope(body)
  const validate = payloadValidators.get(envelope.eventType)
  if (validate === undefined) {
    throw new ValidationError('the event', [
      { path: 'eventType', message: `${envelope.eventType} is not known` },
    ])
  }
  const isDomainEvent = (event: typeof envelope): event is AnyDomainEvent => validate(event.payload)
  if (!isDomainEvent(envelope)) throw new ValidationError(envelope.eventType, fieldErrors(validate.errors))
  if (message.subject !== subjectOf(envelope.eventType, envelope.aggregateId)) {
    throw new ValidationError(envelope.eventType, [{ path: '', message: `came on ${message.subject}` }])
  }
  return envelope
}
