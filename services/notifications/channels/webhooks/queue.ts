/**
 * What waits to be sent, a consumer for each endpoint: one that is slow or away keeps only its own events waiting. The
 * broker remembers, restarts included.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { AckPolicy, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream'
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { bodyOf } from './body.ts'
import { untilAborted } from './until-aborted.ts'
import { DELIVERIES, deliverySubject, isMissing, type Streams } from './streams.ts'

/** Attempts at one endpoint at the same time, by each instance. */
const LANES = 4
/** Longer than an attempt takes, with those that wait in this process before it. */
const ACK_WAIT_NANOS = 120_000_000_000
/** Those that wait for their next attempt are among them: more than these stay in the stream untried. */
const MAX_WAITING = 1_000
const RESTART_MS = 1_000

/** What became of a delivery: `later` comes again after so many milliseconds. */
export type Verdict = { outcome: 'done' } | { outcome: 'later'; ms: number }

export interface Delivery {
  /** The event as it is sent, in every attempt the same bytes. */
  body: string
  ageMs: number
  deliveries: number
}

export interface DeliveryQueue {
  add(endpointId: string, event: AnyDomainEvent): Promise<void>
  /** Forgets what waits for an endpoint. */
  drop(endpointId: string): Promise<void>
  /** Hands over an endpoint's deliveries, a few at a time, until it is stopped. */
  consume(endpointId: string, handle: (delivery: Delivery) => Promise<Verdict>): Stoppable
}

export interface DeliveryQueueOptions {
  streams: () => Promise<Streams>
  logger: Logger
  clock?: () => number
}

export function createDeliveryQueue({
  streams,
  logger,
  clock = Date.now,
}: DeliveryQueueOptions): DeliveryQueue {
  const toDelivery = (message: JsMsg): Delivery => ({
    body: message.string(),
    ageMs: Math.max(0, clock() - message.time.getTime()),
    deliveries: message.info.deliveryCount,
  })

  return {
    async add(endpointId, event) {
      const { client } = await streams()
      await client.publish(deliverySubject(endpointId, event.eventId), bodyOf(event), {
        msgID: `${event.eventId}.${endpointId}`,
      })
    },
    async drop(endpointId) {
      const { manager } = await streams()
      await manager.streams.purge(DELIVERIES, { filter: deliverySubject(endpointId, '*') })
      try {
        await manager.consumers.delete(DELIVERIES, endpointId)
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    },
    consume,
  }

  function consume(endpointId: string, handle: (delivery: Delivery) => Promise<Verdict>): Stoppable {
    const stopping = new AbortController()
    const { signal } = stopping
    const active = new Set<Promise<void>>()
    let messages: ConsumerMessages | undefined
    signal.addEventListener('abort', () => messages?.stop())

    async function run(): Promise<void> {
      while (!signal.aborted) {
        try {
          messages = await untilAborted(open(endpointId), signal)
          for await (const message of messages) await take(message)
        } catch (error) {
          if (!signal.aborted) logger.warn({ err: error, endpointId }, 'webhook deliveries start again')
        }
        await sleep(RESTART_MS, undefined, { signal }).catch(() => {}) // or until it is stopped
      }
      await Promise.all(active)
    }

    /** Returns once there is a lane for the next one. */
    async function take(message: JsMsg): Promise<void> {
      const work = settle(message).finally(() => active.delete(work))
      active.add(work)
      if (active.size >= LANES) await Promise.race(active)
    }

    async function settle(message: JsMsg): Promise<void> {
      try {
        const verdict = await handle(toDelivery(message))
        if (verdict.outcome === 'later') message.nak(verdict.ms)
        else await message.ackAck()
      } catch (error) {
        logger.warn({ err: error, endpointId }, 'a webhook delivery could not be settled; it comes again')
        message.nak(RESTART_MS)
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

  async function open(endpointId: string): Promise<ConsumerMessages> {
    const { client, manager } = await streams()
    // adding what is there with the same configuration changes nothing
    await manager.consumers.add(DELIVERIES, {
      durable_name: endpointId,
      filter_subject: deliverySubject(endpointId, '*'),
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_NANOS,
      max_deliver: -1,
      max_ack_pending: MAX_WAITING,
    })
    const consumer = await client.consumers.get(DELIVERIES, endpointId)
    return consumer.consume({ max_messages: LANES, abort_on_missing_resource: true })
  }
}
