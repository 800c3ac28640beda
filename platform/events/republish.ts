/**
 * Reconciliation of the outbox with the stream. An acknowledged message can be lost when the broker's disk is, or its
 * latest writes are; the outbox still has it. What was published lately and is not in the stream is published again, each
 * aggregate's events in order; consumers that had it ignore it.
 */
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
} from '@nats-io/jetstream'
import { republishConsumer } from '#contracts/consumers.ts'
import { EVENT_STREAM, type EventPayload } from '#contracts/events.ts'
import type { ServiceName } from '#contracts/services.ts'
import type { Sql } from '../database.ts'
import type { Logger } from '../logger.ts'
import type { EventBus } from './event-bus.ts'
import { toOutgoing, type OutboxRow } from './outbox-row.ts'

type Finding = EventPayload<'reconciliation.found'>

interface PublishedRow extends OutboxRow {
  published_at: Date
}

/** Twice as long as the longest time between two runs should be. */
const LOOK_BACK_HOURS = 48
/** Longer than the broker remembers ids: within that time it takes a second publication for a repetition and drops it. */
const SETTLED_SECONDS = 180
/** How far the clocks of the database and the broker may be apart. */
const CLOCK_MARGIN_MS = 5 * 60_000
const BATCH = 2_000
const AGGREGATES_PER_RUN = 100

export interface RepublishOptions {
  database: Sql
  bus: EventBus
  service: ServiceName
  logger: Logger
  /** For tests. */
  settledSeconds?: number
}

export type RepublishEvents = () => Promise<Finding[]>

export const createRepublishEvents =
  ({ database, bus, service, logger, settledSeconds = SETTLED_SECONDS }: RepublishOptions): RepublishEvents =>
  async () => {
    const lost = new Map<string, PublishedRow[]>()
    let last = 0n
    while (lost.size < AGGREGATES_PER_RUN) {
      const rows = await publishedAfter(database, last, settledSeconds)
      const end = rows.at(-1)
      if (end === undefined) break
      last = end.id
      const stored = await storedIds(bus, service, rows)
      for (const row of rows) {
        if (!stored.has(row.event_id))
          lost.set(row.aggregate_id, [...(lost.get(row.aggregate_id) ?? []), row])
      }
    }
    const findings: Finding[] = []
    for (const [aggregateId, rows] of lost) {
      for (const row of rows) await bus.publish(toOutgoing(row))
      logger.warn(
        { aggregateId, versions: rows.map(({ version }) => version) },
        'events that the stream had lost were published again',
      )
      findings.push(
        finding(aggregateId, rows, `the stream had lost ${versionsOf(rows)}; published again`, true),
      )
    }
    return [...findings, ...(await parkedRows(database))]
  }

const publishedAfter = (
  database: Sql,
  last: bigint,
  settledSeconds: number,
): PromiseLike<PublishedRow[]> => database.$queryRaw<PublishedRow[]>`
  SELECT id, event_id, aggregate_id, version, type, payload, trace, created_at, published_at FROM outbox
  WHERE id > ${last} AND published_at > now() - make_interval(hours => ${LOOK_BACK_HOURS}::int)
    AND published_at < now() - make_interval(secs => ${settledSeconds}::float8)
  ORDER BY id LIMIT ${BATCH}`

/** The events of this service that the stream has from the time in which these rows were published. */
async function storedIds(
  bus: EventBus,
  service: ServiceName,
  rows: readonly PublishedRow[],
): Promise<Set<string>> {
  const moments = rows.map(({ published_at: at }) => at.getTime())
  const from = new Date(Math.min(...moments) - CLOCK_MARGIN_MS)
  const until = Math.max(...moments) + CLOCK_MARGIN_MS
  await bus.probe()
  const { connection, client } = await bus.ready()
  const name = republishConsumer(service)
  const manager = await jetstreamManager(connection)
  await removeConsumer(manager, name) // of the run before: it began somewhere else
  await manager.consumers.add(EVENT_STREAM, {
    name,
    filter_subject: `evt.${service}.>`,
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: from.toISOString(),
    ack_policy: AckPolicy.None,
    headers_only: true,
    mem_storage: true,
    inactive_threshold: 30_000_000_000, // then it is gone by itself
  })
  const consumer = await client.consumers.get(EVENT_STREAM, name)
  const ids = new Set<string>()
  let { num_pending: pending } = await consumer.info()
  let deliveries = 0
  while (pending > 0) {
    const messages = await consumer.fetch({ max_messages: Math.min(pending, 1_000), expires: 10_000 })
    let came = 0
    for await (const message of messages) {
      came += 1
      deliveries += 1
      // another run is reading along: what it was given must not look lost
      if (message.info.deliverySequence !== deliveries) throw new Error('the stream is read by two at once')
      if (message.time.getTime() > until) return ids
      const id = message.headers?.get('Nats-Msg-Id')
      if (id !== undefined) ids.add(id)
    }
    // fewer than there are must not look as if the rest were lost
    if (came === 0) throw new Error(`the stream did not hand out ${pending} of its messages`)
    pending -= came
  }
  return ids
}

async function removeConsumer(manager: JetStreamManager, name: string): Promise<void> {
  try {
    await manager.consumers.delete(EVENT_STREAM, name)
  } catch (error) {
    const isMissing = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound
    if (!isMissing) throw error
  }
}

/** A row that the broker refused for what it is: its aggregate has stopped, and a person must look. */
async function parkedRows(database: Sql): Promise<Finding[]> {
  const rows = await database.$queryRaw<(OutboxRow & { last_error: string | null })[]>`
    SELECT id, event_id, aggregate_id, version, type, payload, trace, created_at, last_error FROM outbox
    WHERE parked_at IS NOT NULL ORDER BY id LIMIT ${AGGREGATES_PER_RUN}`
  return rows.map((row) =>
    finding(
      row.aggregate_id,
      [row],
      `the broker refuses ${versionsOf([row])}: ${row.last_error ?? 'for no known reason'}`,
      false,
    ),
  )
}

const versionsOf = (rows: readonly OutboxRow[]): string =>
  rows.map(({ type, version }) => `${type}@${version}`).join(', ')

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function finding(subjectId: string, [row]: readonly OutboxRow[], detail: string, repaired: boolean): Finding {
  const payload = row?.payload
  const orderId: unknown =
    typeof payload === 'object' && payload !== null ? Reflect.get(payload, 'orderId') : undefined
  return {
    kind: 'event_missing',
    subjectId,
    orderId: typeof orderId === 'string' && UUID.test(orderId) ? orderId : null,
    detail: detail.slice(0, 500),
    repaired,
  }
}
