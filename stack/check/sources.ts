/** What the checker reads: the raw databases, the provider's own ledger, the stream and the workflows. Nothing here writes. */
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Client, Connection } from '@temporalio/client'
import { Pool, type QueryResultRow } from 'pg'
import Type, { type Static } from 'typebox'
import { EVENT_STREAM } from '#contracts/events.ts'
import { DATABASE_NAMES, type DatabaseName } from '#contracts/services.ts'
import { parser } from '#platform/validation.ts'
import type { NatsCredentials } from '../nats.ts'

export interface CheckTarget {
  /** PostgreSQL's superuser, on any database. */
  superuserUrl: string
  natsUrl: string
  nats: NatsCredentials
  temporalAddress: string
  temporalNamespace: string
  providerUrl: string
  providerApiKey: string
}

const ProviderEntry = Type.Object({
  type: Type.String(),
  authorizationId: Type.Optional(Type.String()),
  reference: Type.Optional(Type.String()),
  status: Type.Optional(Type.String()),
  amount: Type.Optional(Type.Integer()),
  released: Type.Optional(Type.Integer()),
  approved: Type.Optional(Type.Boolean()),
  expiresAt: Type.Optional(Type.String()),
  outcome: Type.Optional(Type.String()),
})
export type ProviderEntry = Static<typeof ProviderEntry>

/** An event as the stream holds it. */
export interface StreamEvent {
  sequence: number
  eventId: string
  eventType: string
  aggregateId: string
  version: number
  /** When the stream took it. */
  at: Date
}

const parseLedger = parser("the provider's ledger", Type.Object({ data: Type.Array(ProviderEntry) }))
const parseEvent = parser(
  'an event',
  Type.Object({
    eventId: Type.String(),
    eventType: Type.String(),
    aggregateId: Type.String(),
    version: Type.Integer(),
  }),
)

/** A message that is no event stays visible as one without a version, for the checker to report. */
function readEvent(message: { subject: string; json(): unknown }): Omit<StreamEvent, 'sequence' | 'at'> {
  try {
    return parseEvent(message.json())
  } catch {
    return { eventId: '', eventType: NO_EVENT, aggregateId: message.subject, version: 0 }
  }
}

/** The type under which the checker sees messages that are no events. */
export const NO_EVENT = 'no event'

export interface Sources {
  /** Each caller names the columns that its own statement selects. */
  query<Row extends QueryResultRow>(database: DatabaseName, sql: string): Promise<Row[]>
  providerLedger(): Promise<ProviderEntry[]>
  stream(): Promise<StreamEvent[]>
  temporal: Client
  close(): Promise<void>
}

export async function openSources(target: CheckTarget): Promise<Sources> {
  const connection = await Connection.connect({ address: target.temporalAddress })
  const pools = new Map(DATABASE_NAMES.map((name) => [name, openPool(target.superuserUrl, name)]))
  return {
    temporal: new Client({ connection, namespace: target.temporalNamespace }),
    async query<Row extends QueryResultRow>(database: DatabaseName, sql: string): Promise<Row[]> {
      const result = await pools.get(database)?.query<Row>(sql)
      return result?.rows ?? []
    },
    providerLedger: () => readLedger(target),
    stream: () => readStream(target),
    async close() {
      await connection.close()
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}

/** A pool, because tests kill the server: a connection that it ended is replaced by the next query. */
function openPool(superuserUrl: string, database: DatabaseName): Pool {
  const url = new URL(superuserUrl)
  url.pathname = `/${database}`
  const pool = new Pool({ connectionString: url.href, max: 2 })
  pool.on('error', () => {}) // of an idle connection; nobody waits for it
  return pool
}

async function readLedger({ providerUrl, providerApiKey }: CheckTarget): Promise<ProviderEntry[]> {
  const response = await fetch(`${providerUrl}/ledger`, {
    headers: { authorization: `Bearer ${providerApiKey}` },
  })
  if (!response.ok) throw new Error(`the provider's ledger answered ${response.status}`)
  return parseLedger(await response.json()).data
}

async function readStream({ natsUrl, nats }: CheckTarget): Promise<StreamEvent[]> {
  const connection = await connect({ servers: natsUrl, user: nats.user, pass: nats.password })
  try {
    const manager = await jetstreamManager(connection)
    const { state } = await manager.streams.info(EVENT_STREAM)
    const events: StreamEvent[] = []
    const consumer = await manager.jetstream().consumers.get(EVENT_STREAM)
    while (events.length < state.messages) {
      const before = events.length
      // it ends with the last message: only a broker that stands still takes longer
      const messages = await consumer.fetch({ max_messages: 1_000, expires: 10_000 })
      for await (const message of messages) {
        events.push({ sequence: message.seq, at: message.time, ...readEvent(message) })
        if (events.length >= state.messages) break
      }
      if (events.length === before) break
    }
    return events
  } finally {
    await connection.close()
  }
}
