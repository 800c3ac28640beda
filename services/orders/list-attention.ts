/** Orders that wait for an operator, the longest waiting first. */
import type { Attention } from '#contracts/http/orders.ts'
import type { AttentionState } from '#contracts/workflows.ts'
import { decodeCursor, NewestFirst, toPage } from '#platform/keyset.ts'
import type { OrdersDatabase } from './store.ts'

export const createListAttention =
  (database: OrdersDatabase) =>
  async (
    limit: number,
    cursor: string | undefined,
  ): Promise<{ data: Attention[]; nextCursor: string | null }> => {
    const [createdAt, id] = decodeCursor(NewestFirst, cursor) ?? [
      '-infinity',
      '00000000-0000-0000-0000-000000000000',
    ]
    const rows = await database.$queryRaw<{ id: string; created_at: Date; attention: AttentionState }[]>`
      SELECT id, created_at, attention FROM orders
      WHERE attention IS NOT NULL AND (created_at, id) > (${createdAt}::timestamptz, ${id}::uuid)
      ORDER BY created_at, id LIMIT ${limit + 1}`
    const page = toPage(rows, limit, (row) => [row.created_at.toISOString(), row.id])
    return {
      data: page.data.map(({ id: orderId, attention }) => ({
        orderId,
        ...attention,
        actions: ['retry', 'resolve'],
      })),
      nextCursor: page.nextCursor,
    }
  }
