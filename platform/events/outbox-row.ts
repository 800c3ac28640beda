/** A row of the outbox, and the event that it is. */
import type { OutgoingEvent } from './event-bus.ts'

export interface OutboxRow {
  id: bigint
  event_id: string
  aggregate_id: string
  version: number
  type: string
  payload: unknown
  trace: string | null
  created_at: Date
}

export const toOutgoing = (row: OutboxRow): OutgoingEvent => ({
  eventId: row.event_id,
  eventType: row.type,
  aggregateId: row.aggregate_id,
  timestamp: row.created_at.toISOString(),
  version: row.version,
  payload: row.payload,
  trace: row.trace,
})
