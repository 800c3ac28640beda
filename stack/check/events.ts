/** Invariant 5: every outbox row is in the stream and nothing else is, in its aggregate's order, and every consumer has applied it. */
import { CONSUMERS, isRecorded, type ConsumerDeclaration } from '#contracts/consumers.ts'
import { DATABASE_NAMES } from '#contracts/services.ts'
import type { Finding } from './findings.ts'
import { NO_EVENT, type Sources, type StreamEvent } from './sources.ts'

interface OutboxRow {
  event_id: string
  aggregate_id: string
  version: number
  type: string
  /** Null while it is not published. */
  published_at: Date | null
}

/** Longer than a relay's transaction lasts, shorter than what is published has to be missing before it is sent again. */
const SENT_AGAIN_AFTER_MS = 60_000

/** The projections that follow whole aggregates, and which events they follow. */
const PROJECTIONS = [
  { database: 'orders', consumer: 'orders-catalog', prefix: 'product.' },
  { database: 'orders', consumer: 'orders-reservations', prefix: 'reservation.' },
  { database: 'orders', consumer: 'orders-payments', prefix: 'payment.' },
  { database: 'orders', consumer: 'orders-shipments', prefix: 'shipment.' },
] as const

export async function checkEvents(sources: Sources, messages: StreamEvent[]): Promise<Finding[]> {
  const strangers = messages.filter(({ eventType }) => eventType === NO_EVENT)
  const stream = messages.filter(({ eventType }) => eventType !== NO_EVENT)
  const rows = new Map<string, OutboxRow>()
  for (const name of DATABASE_NAMES) {
    const outbox = await sources.query<OutboxRow>(
      name,
      'SELECT event_id, aggregate_id, version, type, published_at FROM outbox',
    )
    for (const row of outbox) rows.set(row.event_id, row)
  }
  const findings = [
    ...strangers.map(({ aggregateId, sequence }) =>
      found(aggregateId, `message ${sequence} of the stream is no event`),
    ),
    ...checkOrder(stream, rows),
    ...checkOrigin(stream, rows),
    ...checkPublished(stream, rows),
  ]
  for (const projection of PROJECTIONS) findings.push(...(await checkProjection(sources, stream, projection)))
  return [...findings, ...(await checkInboxes(sources, stream))]
}

/**
 * Every event is in the inbox of each consumer that records it, whatever the broker takes for acknowledged and whatever it
 * lets the consumer follow. The inbox keeps a row longer than the stream its event, so that none of these is too old.
 */
async function checkInboxes(sources: Sources, stream: readonly StreamEvent[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const database of DATABASE_NAMES) {
    const consumers: [string, ConsumerDeclaration][] = Object.entries(CONSUMERS).filter(
      ([, { service }]) => service === database,
    )
    if (consumers.length === 0) continue
    const rows = await sources.query<{ consumer: string; event_id: string }>(
      database,
      'SELECT consumer, event_id FROM inbox',
    )
    const applied = new Set(rows.map((row) => `${row.consumer} ${row.event_id}`))
    for (const [consumer, declaration] of consumers) {
      const missing = new Map<string, StreamEvent>() // once, also when the stream has it again
      for (const event of stream) {
        if (isRecorded(declaration, event) && !applied.has(`${consumer} ${event.eventId}`))
          missing.set(event.eventId, event)
      }
      for (const { eventType, aggregateId, version } of missing.values())
        findings.push(found(`${consumer} ${aggregateId}`, `has not applied ${eventType}@${version}`))
    }
  }
  return findings
}

const found = (subject: string, problem: string): Finding => ({ invariant: 5, subject, problem })

/** Every row of the outboxes is in the stream. */
function checkPublished(stream: readonly StreamEvent[], rows: ReadonlyMap<string, OutboxRow>): Finding[] {
  const inStream = new Set(stream.map(({ eventId }) => eventId))
  return [...rows.values()].flatMap(
    ({ event_id: id, aggregate_id: aggregate, version, type, published_at: at }) => {
      if (at !== null && inStream.has(id)) return []
      const problem = at === null ? 'is not published' : 'is marked published and is not in the stream'
      return [found(`${type} ${aggregate}@${version}`, problem)]
    },
  )
}

/** Every event of the stream is what an outbox says. */
function checkOrigin(stream: readonly StreamEvent[], rows: ReadonlyMap<string, OutboxRow>): Finding[] {
  return stream.flatMap(({ sequence, eventId, eventType, aggregateId, version }) => {
    const row = rows.get(eventId)
    if (row?.aggregate_id === aggregateId && row.version === version && row.type === eventType) return []
    const problem = row === undefined ? 'is in no outbox' : 'is another event in its outbox'
    return [found(`${eventType} ${aggregateId}@${version}`, `message ${sequence} of the stream ${problem}`)]
  })
}

/**
 * No version of an aggregate is missing, and each comes first where its order puts it. Only one that the stream had lost
 * may stand after later ones: it was sent again, long after it had been published; consumers that follow versions have
 * waited for it, and the others had it.
 */
function checkOrder(stream: readonly StreamEvent[], rows: ReadonlyMap<string, OutboxRow>): Finding[] {
  const sentAgain = ({ eventId, at }: StreamEvent) => {
    const published = rows.get(eventId)?.published_at?.getTime()
    return published !== undefined && at.getTime() > published + SENT_AGAIN_AFTER_MS
  }
  const aggregates = new Map<string, { versions: Set<number>; highest: number }>()
  const findings: Finding[] = []
  for (const event of stream) {
    const kind = `${event.eventType.split('.', 1)[0]} ${event.aggregateId}`
    const known = aggregates.get(kind) ?? { versions: new Set<number>(), highest: 0 }
    aggregates.set(kind, known)
    if (known.versions.has(event.version)) continue
    if (event.version < known.highest && !sentAgain(event))
      findings.push(found(kind, `version ${event.version} follows ${known.highest} in the stream`))
    known.versions.add(event.version)
    known.highest = Math.max(known.highest, event.version)
  }
  for (const [kind, { versions, highest }] of aggregates) {
    for (let version = 1; version <= highest; version++) {
      if (!versions.has(version)) findings.push(found(kind, `version ${version} is not in the stream`))
    }
  }
  return findings
}

async function checkProjection(
  sources: Sources,
  stream: StreamEvent[],
  { database, consumer, prefix }: (typeof PROJECTIONS)[number],
): Promise<Finding[]> {
  const expected = new Map<string, number>()
  for (const { eventType, aggregateId, version } of stream) {
    if (eventType.startsWith(prefix))
      expected.set(aggregateId, Math.max(version, expected.get(aggregateId) ?? 0))
  }
  const rows = await sources.query<{ aggregate_id: string; version: number }>(
    database,
    `SELECT aggregate_id, version FROM inbox_positions WHERE consumer = '${consumer}'`,
  )
  const applied = new Map(rows.map((row) => [row.aggregate_id, row.version]))
  return [...expected]
    .filter(([aggregate, version]) => applied.get(aggregate) !== version)
    .map(([aggregate, version]) =>
      found(`${consumer} ${aggregate}`, `applied version ${applied.get(aggregate) ?? 0} of ${version}`),
    )
}
