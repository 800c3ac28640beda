/**
 * Durable consumers: acknowledged after the effect is committed, one message per aggregate at a time. Each follows two
 * streams: the events, and the requests to take one of its dead letters again.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type ConsumerConfig,
  type JsMsg,
} from '@nats-io/jetstream'
import { EVENT_STREAM, REDRIVE_STREAM, type AnyDomainEvent } from '#contracts/events.ts'
import type { ServiceName } from '#contracts/services.ts'
import type { Logger } from '../logger.ts'
import { findDeadLetter, redriveSubject, requestedBy } from './dead-letters.ts'
import { createReceiver, type Delivery } from './delivery.ts'
import type { EventBus } from './event-bus.ts'
import { createKeyedQueue } from './keyed-queue.ts'

const ACK_WAIT_NANOS = 30_000_000_000
/** Well within the ack wait: what is in hand, or waits behind another event of its aggregate, is not sent to others. */
const KEEP_MS = 10_000
const MAX_FAILURES = 12
const IN_FLIGHT = 64
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
  /** Failures of its own before an event is dead. */
  maxFailures?: number
}

export interface EventConsumer {
  /** Stops taking messages and waits for those being handled. */
  stop(): Promise<void>
}

/** One of the two streams that a consumer follows. */
interface Source {
  stream: string
  filter: { filter_subject: string } | { filter_subjects: string[] }
  /** The event that a message is or asks for; undefined when that is gone. */
  open(message: JsMsg): Promise<Delivery | undefined>
}

export function startConsumer(options: ConsumerOptions): EventConsumer {
  const { bus, service, durable, subjects, logger, maxFailures = MAX_FAILURES } = options
  const queue = createKeyedQueue()
  const stopping = new AbortController()
  const { signal } = stopping
  const stopped = once(signal, 'abort')
  const receive = createReceiver({ ...options, maxFailures, signal })
  const inHand = new Set<Delivery>()
  const keeping = setInterval(() => inHand.forEach((delivery) => delivery.keep()), KEEP_MS)

  const running = Promise.all([
    follow({
      stream: EVENT_STREAM,
      filter: { filter_subjects: subjects },
      open: async (message) => toDelivery(message),
    }),
    follow({
      stream: REDRIVE_STREAM,
      // one, because then the broker can say who may follow it
      filter: { filter_subject: redriveSubject(service, durable, '*') },
      open: (message) => openLetter(options, message),
    }),
  ])

  async function follow(source: Source): Promise<void> {
    while (!signal.aborted) {
      try {
        await consume(source)
      } catch (error) {
        if (signal.aborted) break
        logger.warn({ err: error, durable }, 'the event consumer lost its stream; it starts again')
      }
      await sleep(RESTART_MS, undefined, { signal }).catch(() => {}) // or until it is stopped
    }
  }

  /** Takes messages until the consumer is stopped or its stream is gone. */
  async function consume(source: Source): Promise<void> {
    await Promise.race([bus.ready(), stopped])
    if (signal.aborted) return
    const { client } = await bus.ready()
    await ensureConsumer(bus, durable, source)
    const consumer = await client.consumers.get(source.stream, durable)
    const messages = await consumer.consume({ max_messages: IN_FLIGHT, abort_on_missing_resource: true })
    void stopped.then(() => messages.stop())
    for await (const message of messages) {
      const delivery = await source.open(message)
      if (delivery !== undefined) take(delivery)
    }
  }

  function take(delivery: Delivery): void {
    inHand.add(delivery)
    queue
      .add(aggregateOf(delivery.subject), () => receive(delivery))
      .catch((error: unknown) =>
        logger.warn({ err: error, durable }, 'an event could not be acknowledged; it comes again'),
      )
      .finally(() => inHand.delete(delivery))
  }

  return {
    async stop() {
      stopping.abort()
      await running
      await queue.idle()
      clearInterval(keeping)
    },
  }
}

/** `evt.<service>.<kind>.<event>.<aggregate>` */
const aggregateOf = (subject: string): string => subject.split('.').slice(4).join('.')

async function ensureConsumer(bus: EventBus, durable: string, { stream, filter }: Source): Promise<void> {
  const { connection } = await bus.ready()
  const manager = await jetstreamManager(connection)
  const config: Partial<ConsumerConfig> = {
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ACK_WAIT_NANOS,
    // we count: an event that the server gave up on would be in nobody's dead letters
    max_deliver: -1,
    max_ack_pending: IN_FLIGHT * 4,
    ...filter,
  }
  try {
    await manager.consumers.update(stream, durable, config)
  } catch (error) {
    const isMissing = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound
    if (!isMissing) throw error
    await manager.consumers.add(stream, { ...config, durable_name: durable })
  }
}

const toDelivery = (message: JsMsg): Delivery => ({
  id: `${message.info.stream}:${message.seq}`,
  subject: message.subject,
  data: message.data,
  trace: message.headers?.get('traceparent'),
  deliveries: message.info.deliveryCount,
  redrive: undefined,
  ack: () => message.ack(),
  giveBack: (afterMs) => message.nak(afterMs),
  drop: () => message.term('dead letter'),
  keep: () => message.working(),
})

/** The event of the letter that a request names: one of this consumer's own, whatever the request says. */
async function openLetter(
  { bus, service, durable, logger }: ConsumerOptions,
  request: JsMsg,
): Promise<Delivery | undefined> {
  const number = Number(request.subject.split('.').at(-1))
  const manager = await jetstreamManager((await bus.ready()).connection)
  const letter = Number.isSafeInteger(number) ? await findDeadLetter(manager, number) : undefined
  if (letter === undefined || letter.service !== service || letter.consumer !== durable) {
    logger.warn({ durable, letter: number }, 'a dead letter is to be sent again that is not there')
    request.ack()
    return undefined
  }
  const { subject, data, trace } = letter
  const redrive = { letter: letter.sequence, by: requestedBy(request.headers) }
  return { ...toDelivery(request), subject, data, trace, redrive }
}
