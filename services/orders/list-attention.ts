/** What waits for operators, the longest waiting first: questions of sagas, and concerns that no workflow waits for. */
import Type from 'typebox'
import type { Attention } from '#contracts/http/operations.ts'
import { Id, Timestamp } from '#contracts/schemas.ts'
import { decodeCursor, toPage } from '#platform/keyset.ts'
import { returnAsking } from './returns/return-question.ts'
import type { OrdersDatabase } from './store.ts'

const Cursor = Type.Tuple([Timestamp, Id, Type.String({ maxLength: 300 })], {
  additionalItems: false,
  minItems: 3,
})
const START = ['-infinity', '00000000-0000-0000-0000-000000000000', ''] as const

interface Row {
  order_id: string
  /** Empty for the saga's own question. */
  source: string
  step: string
  operation: string
  error: string
  attempts: number
  since: Date
}

export const createListAttention =
  (database: OrdersDatabase) =>
  async (
    limit: number,
    cursor: string | undefined,
  ): Promise<{ data: Attention[]; nextCursor: string | null }> => {
    const [since, orderId, source] = decodeCursor(Cursor, cursor) ?? START
    const rows = await database.$queryRaw<Row[]>`
      SELECT order_id, source, step, operation, error, attempts, since FROM (
        SELECT id AS order_id, '' AS source, attention->>'step' AS step, attention->>'operation' AS operation,
          attention->>'error' AS error, (attention->>'attempts')::int AS attempts,
          (attention->>'since')::timestamptz(3) AS since
        FROM orders WHERE attention IS NOT NULL
        UNION ALL
        SELECT order_id, source, step, operation, error, 1, since FROM concerns WHERE settled_at IS NULL
      ) AS waiting
      WHERE (since, order_id, source) > (${since}::timestamptz, ${orderId}::uuid, ${source})
      ORDER BY since, order_id, source LIMIT ${limit + 1}`
    const page = toPage(rows, limit, (row) => [row.since.toISOString(), row.order_id, row.source])
    return { data: page.data.map(present), nextCursor: page.nextCursor }
  }

const present = ({ order_id: orderId, source, since, ...question }: Row): Attention => ({
  orderId,
  step: question.step,
  operation: question.operation,
  error: question.error,
  attempts: question.attempts,
  since: since.toISOString(),
  // what no workflow asks cannot be tried again
  actions: source === '' || returnAsking(source) !== undefined ? ['retry', 'resolve'] : ['resolve'],
})
