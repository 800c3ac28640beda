/** Each event has one effect per consumer: the inbox row and the effect are one transaction. */
import type { Sql } from '../database.ts'

/** Raised when an earlier event of the aggregate has not arrived yet; the message is to come again. */
export class EventGapError extends Error {
  override readonly name = 'EventGapError'
}

export interface InboxEntry {
  /** The consumer's durable name. */
  consumer: string
  eventId: string
}

/** Whether this is the first time; call it in the transaction of the effect and do nothing when it is not. */
export async function firstTime(tx: Sql, { consumer, eventId }: InboxEntry): Promise<boolean> {
  const inserted = await tx.$executeRaw`
    INSERT INTO inbox (consumer, event_id) VALUES (${consumer}, ${eventId}::uuid) ON CONFLICT DO NOTHING`
  return inserted === 1
}

/**
 * For projections, which need an aggregate's events in order: records the event and moves the consumer's position for the
 * aggregate from `version - 1` to `version`, in one statement.
 *
 * @returns false when it, or a later one, was applied already
 * @throws EventGapError when an earlier one is missing
 */
export async function advance(
  tx: Sql,
  event: InboxEntry & { aggregateId: string; version: number },
): Promise<boolean> {
  const { consumer, eventId, aggregateId, version } = event
  const moved = await tx.$executeRaw`
    WITH moved AS (
      INSERT INTO inbox_positions AS at (consumer, aggregate_id, version)
      SELECT ${consumer}::text, ${aggregateId}::text, ${version}::int
      WHERE ${version}::int = 1 OR EXISTS (
        SELECT 1 FROM inbox_positions WHERE consumer = ${consumer} AND aggregate_id = ${aggregateId})
      ON CONFLICT (consumer, aggregate_id) DO UPDATE SET version = EXCLUDED.version
        WHERE at.version = EXCLUDED.version - 1
      RETURNING at.consumer
    )
    INSERT INTO inbox (consumer, event_id) SELECT consumer, ${eventId}::uuid FROM moved`
  if (moved === 1) return true
  const [row] = await tx.$queryRaw<{ version: number }[]>`
    SELECT version FROM inbox_positions WHERE consumer = ${consumer} AND aggregate_id = ${aggregateId}`
  if (row !== undefined && row.version >= version) return false
  throw new EventGapError(`${aggregateId} is at ${row?.version ?? 0}, version ${version} came`)
}
