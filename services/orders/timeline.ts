/** The timeline: everything that happened to an order, each thing once. */
import type { TimelineEntry } from '#contracts/http/orders.ts'
import type { Sql } from '#platform/database.ts'
import { currentTrace } from '#platform/trace.ts'

export interface NewTimelineEntry {
  kind: TimelineEntry['kind']
  name: string
  status: string
  detail?: string | null
  /** ISO 8601; now unless told. */
  at?: string
  /** What makes a repeated entry the same: an event's id, a step's sequence, a request's id. */
  source: string
}

/** Adds entries; those that are there already stay as they are. One statement, however many. */
export async function addToTimeline(
  tx: Sql,
  orderId: string,
  entries: readonly NewTimelineEntry[],
): Promise<void> {
  if (entries.length === 0) return
  const traceId = currentTrace()?.traceId ?? null
  await tx.$executeRaw`
    INSERT INTO timeline_entries (order_id, at, kind, name, status, detail, trace_id, source)
    SELECT ${orderId}::uuid, coalesce(at, clock_timestamp()), kind, name, status, detail, ${traceId}, source
    FROM jsonb_to_recordset(${JSON.stringify(entries)}::jsonb)
      AS entry (at timestamptz, kind text, name text, status text, detail text, source text)
    ON CONFLICT (order_id, source) DO NOTHING`
}

/** Whether the timeline has this already. */
export async function isTold(database: Sql, orderId: string, source: string): Promise<boolean> {
  const rows = await database.$queryRaw<unknown[]>`
    SELECT 1 FROM timeline_entries WHERE order_id = ${orderId}::uuid AND source = ${source}`
  return rows.length > 0
}
