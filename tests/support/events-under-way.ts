/** What is still to become of the events of a stack: what follows from them has not happened before there are none. */
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { EVENT_STREAM } from '#contracts/events.ts'
import { DATABASE_NAMES } from '#contracts/services.ts'
import type { CheckTarget } from '#stack/check/sources.ts'
import type { Shop } from './shop.ts'

/** The broker counts what a consumer has to deliver a moment after it was published. */
const MOMENT_MS = 250

/** How many events are not published yet, wait for a durable consumer, or for its acknowledgement. */
export async function eventsUnderWay(shop: Shop, target: CheckTarget): Promise<number> {
  const first = await count(shop, target)
  if (first > 0) return first
  await sleep(MOMENT_MS)
  return count(shop, target)
}

async function count({ rows }: Shop, target: CheckTarget): Promise<number> {
  const unpublished = await Promise.all(
    DATABASE_NAMES.map((name) => rows(name, 'SELECT 1 FROM outbox WHERE published_at IS NULL')),
  )
  return unpublished.flat().length + (await messagesWaiting(target))
}

async function messagesWaiting({ natsUrl, nats }: CheckTarget): Promise<number> {
  const connection = await connect({ servers: natsUrl, user: nats.user, pass: nats.password })
  try {
    const manager = await jetstreamManager(connection)
    let waiting = 0
    for await (const consumer of manager.consumers.list(EVENT_STREAM)) {
      if (consumer.config.durable_name !== undefined)
        waiting += consumer.num_pending + consumer.num_ack_pending
    }
    return waiting
  } finally {
    await connection.close()
  }
}
