/** An order's timeline, oldest first, a page at a time. */
import Type from 'typebox'
import type { TimelineEntry } from '#contracts/http/orders.ts'
import { Timestamp } from '#contracts/schemas.ts'
import { decodeCursor, toPage } from '#platform/keyset.ts'
import { notFound } from '#platform/problem.ts'
import type { OrdersDatabase, OwnerFilter } from './store.ts'

const EntryId = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Cursor = Type.Tuple([Timestamp, EntryId], { additionalItems: false, minItems: 2 })

interface Row {
  id: bigint
  at: Date
  kind: TimelineEntry['kind']
  name: string
  status: string
  detail: string | null
  trace_id: string | null
}

export interface TimelineQuery {
  orderId: string
  owner: OwnerFilter
  limit: number
  cursor: string | undefined
}

/** @throws ProblemError `not_found` when there is no such order for this owner */
export const createReadTimeline =
  (database: OrdersDatabase) =>
  async ({
    orderId,
    owner,
    limit,
    cursor,
  }: TimelineQuery): Promise<{ data: TimelineEntry[]; nextCursor: string | null }> => {
    const [at, id] = decodeCursor(Cursor, cursor) ?? ['-infinity', 0]
    const rows = await database.$queryRaw<(Row | { id: null })[]>`
      SELECT entry.id, at, kind, name, entry.status, detail, trace_id
      FROM orders LEFT JOIN timeline_entries AS entry
        ON entry.order_id = orders.id AND (entry.at, entry.id) > (${at}::timestamptz, ${id}::bigint)
      WHERE orders.id = ${orderId}::uuid AND (${owner}::uuid IS NULL OR customer_id = ${owner}::uuid)
      ORDER BY entry.at, entry.id LIMIT ${limit + 1}`
    if (rows.length === 0) throw notFound('order')
    const entries = rows.filter((row): row is Row => row.id !== null)
    const page = toPage(entries, limit, (row) => [row.at.toISOString(), Number(row.id)])
    return {
      data: page.data.map((row) => ({
        at: row.at.toISOString(),
        kind: row.kind,
        name: row.name,
        status: row.status,
        detail: row.detail,
        traceId: row.trace_id,
      })),
      nextCursor: page.nextCursor,
    }
  }
