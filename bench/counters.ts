/** What the servers of a stack have counted so far: transactions by database, messages in the stream, HTTP requests. */
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Client } from 'pg'
import { EVENT_STREAM } from '#contracts/events.ts'
import { DATABASE_NAMES } from '#contracts/services.ts'
import { PORT_NAMES } from '#stack/ports.ts'
import type { Stack } from '#stack/stack.ts'
import { countRequests } from './http-requests.ts'

/** By what is counted: `commits in orders`, `requests to gateway`, `writing transactions`, `messages`. */
export type Counts = ReadonlyMap<string, number>

export interface Counters {
  read(): Promise<Counts>
  close(): Promise<void>
}

/**
 * PostgreSQL's sessions report their commits when they are next idle, or after ten idle seconds: counts of commits are
 * complete only that long after the work.
 */
export const COMMITS_REPORTED_AFTER_MS = 11_000

/** @param ownQueries how many statements the benchmark itself has sent to the orders database */
export async function openCounters(
  { infrastructure: { postgres, natsAddress, natsCredentials }, ports }: Stack,
  ownQueries: () => number,
): Promise<Counters> {
  const operator = natsCredentials['operator']
  if (operator === undefined) throw new Error('the stack made no NATS user for the operator')
  const connection = await connect({ servers: natsAddress, user: operator.user, pass: operator.password })
  const manager = await jetstreamManager(connection)
  const client = new Client({ connectionString: postgres.superuserUrl })
  await client.connect()
  const requests = countRequests()
  return {
    async read() {
      const { rows } = await client.query<{ datname: string; xact_commit: string }>(
        'SELECT datname, xact_commit FROM pg_stat_database WHERE datname = ANY($1) ORDER BY 1',
        [[...DATABASE_NAMES]],
      )
      // only transactions that write get a number, so that polling costs none
      const written = await client.query<{ next: string }>(
        'SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next',
      )
      const { state } = await manager.streams.info(EVENT_STREAM)
      const byPort = requests.read()
      return new Map([
        ...rows.map(({ datname, xact_commit }): [string, number] => [
          `commits in ${datname}`,
          Number(xact_commit) - (datname === 'orders' ? ownQueries() : 0),
        ]),
        ['writing transactions', Number(written.rows[0]?.next)],
        ['messages in the stream', state.last_seq],
        ...PORT_NAMES.flatMap((name): [string, number][] => {
          const count = byPort.get(ports[name])
          return count === undefined ? [] : [[`requests to ${name}`, count]]
        }),
      ])
    },
    async close() {
      requests.stop()
      await client.end()
      await connection.close()
    },
  }
}

export interface Interval {
  seconds: number
  before: Counts
  after: Counts
}

/** The counts of a busy interval, less what an idle one of the same length would have counted, by order. */
export function countsPerOrder(busy: Interval, idle: Interval, orders: number): Counts {
  const lengths = busy.seconds / idle.seconds
  const grown = ({ before, after }: Interval, name: string): number =>
    (after.get(name) ?? 0) - (before.get(name) ?? 0)
  return new Map(
    [...busy.after.keys()].map((name) => [name, (grown(busy, name) - grown(idle, name) * lengths) / orders]),
  )
}
