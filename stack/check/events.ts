/** Invariant 5: every outbox row is in the stream, in its aggregate's order, and projections have applied it. */
import { DATABASE_NAMES } from '#contracts/services.ts'
import type { Finding } from './findings.ts'
import { NO_EVENT, type Sources, type StreamEvent } from './sources.ts'

interface OutboxRow {
  event_id: string
  aggregate_id: string
  version: number
  type: string
  published: boolean
}

/** The projections that follow whole aggregates, and which events they follow. */
const PROJECTIONS = [
  { database: 'orders', consumer: 'orders-catalog', prefix: 'product.' },
  { database: 'orders', consumer: 'orders-reservations', prefix: 'reservation.' },
  { database: 'orders', consumer: 'orders-payments', prefix: 'payment.' },
  { database: 'orders', consumer: 'orders-shipments', prefix: 'shipment.' },
] as const

export async function checkEvents(sources: Sources, stream: StreamEvent[]): Promise<Finding[]> {
  const strangers = stream.filter(({ eventType }) => eventType === NO_EVENT)
  const findings: Finding[] = [
    ...strangers.map<Finding>(({ aggregateId, sequence }) => ({
      invariant: 5,
      subject: aggregateId,
      problem: `message ${sequence} of the stream is no event`,
    })),
    ...checkOrder(stream.filter(({ eventType }) => eventType !== NO_EVENT)),
  ]
  const inStream = new Set(stream.map(({ eventId }) => eventId))
  for (const name of DATABASE_NAMES) {
    const rows = await sources.query<OutboxRow>(
      name,
      'SELECT event_id, aggregate_id, version, type, published_at IS NOT NULL AS published FROM outbox',
    )
    for (const { event_id: id, aggregate_id: aggregate, version, type, published } of rows) {
      if (published && inStream.has(id)) continue
      const problem = published ? 'is marked published and is not in the stream' : 'is not published'
      findings.push({ invariant: 5, subject: `${type} ${aggregate}@${version}`, problem })
    }
  }
  for (const projection of PROJECTIONS) findings.push(...(await checkProjection(sources, stream, projection)))
  return findings
}

/** No version of an aggregate is missing, and a repeated one repeats an event that came in its order. */
function checkOrder(stream: StreamEvent[]): Finding[] {
  const versions = new Map<string, number>()
  const findings: Finding[] = []
  for (const { eventType, aggregateId, version } of stream) {
    const kind = `${eventType.split('.', 1)[0]} ${aggregateId}`
    const last = versions.get(kind) ?? 0
    if (version > last + 1)
      findings.push({
        invariant: 5,
        subject: kind,
        problem: `version ${version} follows ${last} in the stream`,
      })
    versions.set(kind, Math.max(last, version))
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
    .map(([aggregate, version]) => ({
      invariant: 5,
      subject: `${consumer} ${aggregate}`,
      problem: `applied version ${applied.get(aggregate) ?? 0} of ${version}`,
    }))
}
