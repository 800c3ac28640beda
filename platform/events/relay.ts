/**
 * Publishes the outbox, each aggregate's events in order. Several relays may run: each takes the shards that are free
 * with advisory locks in a statement of its own *before* it reads; in one statement the snapshot would be older than the
 * lock and rows would be sent twice.
 */
import { inTransaction, type Database, type Sql } from '../database.ts'
import type { Logger } from '../logger.ts'
import { startLoop, type Loop } from '../loop.ts'
import type { OutgoingEvent } from './event-bus.ts'
import { toOutgoing, type OutboxRow } from './outbox-row.ts'
import { SHARDS } from './outbox.ts'

const LOCK_CLASS = 77_001
const BATCH = 200
/** Under load, events gather this long and go out together. */
const GATHER_MS = 25
/**
 * Where nothing was found for a while, looking gets this much rarer. What this process commits nudges; looking finds only
 * what another left behind, or committed while a third was publishing.
 */
const QUIET_FACTOR = 8
/** A row the broker refuses this often is parked; its aggregate waits for an operator. */
const ATTEMPTS_BEFORE_PARKING = 20

export interface RelayOptions {
  database: Database
  publish: (event: OutgoingEvent) => Promise<void>
  /** Whether the failure is the event's own fault (it will never be accepted), rather than the broker's. */
  isPoison: (error: unknown) => boolean
  pollMs: number
  logger: Logger
}

interface Outcome {
  published: number
  /** There may be more. */
  isBatchFull: boolean
  /** Why some of it was not published yet. */
  failure?: unknown
}

export function startRelay({ database, publish, isPoison, pollMs, logger }: RelayOptions): Loop {
  /** Whether there is anything to send; a nudge says so by itself. */
  async function anythingPending(): Promise<boolean> {
    const [look] = await database.$queryRaw<{ pending: boolean }[]>`
      SELECT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL AND parked_at IS NULL) AS pending`
    return look?.pending === true
  }

  const publishPending = (): Promise<Outcome> =>
    inTransaction(database, async (tx) => {
      const locks = await tx.$queryRaw<{ shard: number }[]>`
        SELECT shard FROM generate_series(0, ${SHARDS - 1}::int) AS shard
        WHERE pg_try_advisory_xact_lock(${LOCK_CLASS}::int, shard)`
      if (locks.length === 0) return { published: 0, isBatchFull: false }
      // nothing of an aggregate passes one of its rows that is parked
      const rows = await tx.$queryRaw<OutboxRow[]>`
        SELECT id, event_id, aggregate_id, version, type, payload, trace, created_at FROM outbox AS row
        WHERE shard = ANY(${locks.map(({ shard }) => shard)}::int[]) AND published_at IS NULL AND parked_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM outbox AS parked
                          WHERE parked.aggregate_id = row.aggregate_id AND parked.parked_at IS NOT NULL)
        ORDER BY id LIMIT ${BATCH}`
      return publishRows(tx, rows)
    })

  async function publishRows(tx: Sql, rows: OutboxRow[]): Promise<Outcome> {
    const sent: bigint[] = []
    let failure: unknown
    await Promise.all(
      [...Map.groupBy(rows, (row) => row.aggregate_id).values()].map(async (ofAggregate) => {
        for (const row of ofAggregate) {
          try {
            await publish(toOutgoing(row))
            sent.push(row.id)
          } catch (error) {
            if (isPoison(error)) await refused(tx, row, error)
            else failure ??= error
            return // its later events wait for it
          }
        }
      }),
    )
    if (sent.length > 0) {
      await tx.$executeRaw`UPDATE outbox SET published_at = now() WHERE id = ANY(${sent}::bigint[])`
    }
    return { published: sent.length, isBatchFull: rows.length === BATCH, failure }
  }

  async function refused(tx: Sql, row: OutboxRow, error: unknown): Promise<void> {
    const detail = error instanceof Error ? error.message : String(error)
    await tx.$executeRaw`
      UPDATE outbox SET attempts = attempts + 1, last_error = ${detail},
        parked_at = CASE WHEN attempts + 1 >= ${ATTEMPTS_BEFORE_PARKING} THEN now() END
      WHERE id = ${row.id}`
    logger.error({ eventId: row.event_id, type: row.type, detail }, 'an event is refused by the broker')
  }

  let looks = 0
  return startLoop({
    name: 'outbox relay',
    everyMs: () => Math.min(pollMs * 2 ** looks, pollMs * QUIET_FACTOR),
    restMs: GATHER_MS,
    logger,
    async work(nudged) {
      if (!nudged && !(await anythingPending())) {
        looks += 1
        return false
      }
      looks = 0
      const { published, isBatchFull, failure } = await publishPending()
      // nothing got through: the broker is away, and the loop leaves it some time
      if (published === 0 && failure !== undefined)
        throw new Error('no event could be published', { cause: failure })
      return isBatchFull && published > 0
    },
  })
}

/** Says how far the relay is behind; a parked row makes the check fail, since its aggregate has stopped. */
export const probeOutbox = (database: Sql) => async (): Promise<string> => {
  const [row] = await database.$queryRaw<{ waiting: bigint; parked: bigint }[]>`
    SELECT count(*) FILTER (WHERE parked_at IS NULL) AS waiting, count(*) FILTER (WHERE parked_at IS NOT NULL) AS parked
    FROM outbox WHERE published_at IS NULL`
  if (row !== undefined && row.parked > 0n) throw new Error(`${row.parked} events are parked`)
  return `${row?.waiting ?? 0n} waiting`
}
