/**
 * Durable consumers: acknowledged after the effect is committed, one message per aggregate at a time, sent to the
 * dead-letter stream with the error after the last delivery.
 */
import { AckPolicy, DeliverPolicy, JetStreamApiError, jetstreamManager, type JsMsg } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { EVENT_STREAM, EVENTS, EventEnvelope, isEventType, type AnyDomainEvent } from '#contracts/events.ts'
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
  let stopped = false
  let stopMessages = () => {}

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        const { client } = await bus.ready()
        await ensureConsumer(options)
        const consumer = await client.consumers.get(EVENT_STREAM, durable)
        const messages = await consumer.consume({ max_messages: IN_FLIGHT })
        stopMessages = () => messages.stop()
        if (stopped) messages.stop()
        for await (const message of messages) {
          void queue.add(aggregateOf(message.subject), () => receive(options, message))
        }
      } catch (error) {
        if (stopped) break
        logger.warn({ err: error, durable }, 'the event consumer lost its stream; it starts again')
        await new Promise((resolve) => setTimeout(resolve, 1_000))
      }
    }
    await queue.idle()
  }

  const running = run()
  return {
    async stop() {
      stopped = true
      stopMessages()
      await Promise.race([
        running,
        bus.ready().then(
          () => running,
          () => {},
        ),
      ])
    },
  }
}

/** `evt.<service>.<kind>.<event>.<aggregate>` */
const aggregateOf = (subject: string): string => subject.split('.').slice(4).join('.')

async function ensureConsumer({ bus, durable, subjects, maxDeliveries }: ConsumerOptions): Promise<void> {
  const { connection } = await bus.ready()
  const manager = await jetstreamManager(connection)
  const config = {
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ACK_WAIT_NANOS,
    // one delivery more than we handle: the last one is only for writing the dead letter
    max_deliver: (maxDeliveries ?? MAX_DELIVERIES) + 5,
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
  const trace = continueTrace(message.headers?.get('traceparent'))
  await withTrace(trace, async () => {
    try {
      await handle(parseEvent(message))
      message.ack()
    } catch (error) {
      const deliveries = message.info.deliveryCount
      if (error instanceof ValidationError || deliveries >= maxDeliveries) {
        await bury(options, message, error)
        return
      }
      const gap = error instanceof EventGapError
      logger[gap ? 'debug' : 'warn'](
        { err: error, durable, subject: message.subject, deliveries },
        'an event will be delivered again',
      )
      message.nak(gap ? 100 * deliveries : Math.min(30_000, 250 * 2 ** deliveries))
    }
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
const payloadValidators = new Map(
  Object.entries(EVENTS).map(([type, { payload }]) => [type, compileLiteral(payload)] as const),
)

/** The message as an event, its envelope and payload checked. */
export function parseEvent(message: Pick<JsMsg, 'data'>): AnyDomainEvent {
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder().decode(message.data))
  } catch {
    throw new ValidationError('the event', [{ path: '', message: 'is not JSON' }])
  }
  const envelope = parseEnvelope(body)
  const validate = payloadValidators.get(envelope.eventType)
  if (!isEventType(envelope.eventType) || validate === undefined) {
    throw new ValidationError('the event', [
      { path: 'eventType', message: `${envelope.eventType} is not known` },
    ])
  }
  if (!validate(envelope.payload)) throw new ValidationError(envelope.eventType, fieldErrors(validate.errors))
  return envelope as AnyDomainEvent
}
