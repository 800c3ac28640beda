/** Orders by filter, newest first, a page at a time. */
import type { Static } from 'typebox'
import type { listOrders, Order } from '#contracts/http/orders.ts'
import { decodeCursor, NewestFirst, toPage } from '#platform/keyset.ts'
import { Prisma } from '#prisma/orders/client/client.ts'
import { presentOrder } from './present-order.ts'
import { queryOrders, type OrdersDatabase, type OwnerFilter } from './store.ts'

const CONCERNED = Prisma.sql`EXISTS (SELECT 1 FROM concerns WHERE order_id = orders.id AND settled_at IS NULL)`

export type OrderFilter = Static<typeof listOrders.schema.querystring>

export const createListOrders =
  (database: OrdersDatabase) =>
  async (filter: OrderFilter, owner: OwnerFilter): Promise<{ data: Order[]; nextCursor: string | null }> => {
    const limit = filter.limit ?? 20
    const rows = await queryOrders(database, conditionOf(filter, owner), limit + 1)
    const page = toPage(rows, limit, (row) => [row.created_at.toISOString(), row.id])
    return { data: page.data.map((row) => presentOrder(row)), nextCursor: page.nextCursor }
  }

function conditionOf(filter: OrderFilter, owner: OwnerFilter): Prisma.Sql {
  const { status, customerId, createdAfter, createdBefore, needsAttention, cursor } = filter
  const after = decodeCursor(NewestFirst, cursor)
  const conditions = [
    Prisma.sql`true`,
    ...(owner === null ? [] : [Prisma.sql`customer_id = ${owner}::uuid`]),
    ...(status === undefined ? [] : [Prisma.sql`status = ${status}`]),
    ...(customerId === undefined ? [] : [Prisma.sql`customer_id = ${customerId}::uuid`]),
    ...(createdAfter === undefined ? [] : [Prisma.sql`created_at > ${createdAfter}::timestamptz`]),
    ...(createdBefore === undefined ? [] : [Prisma.sql`created_at < ${createdBefore}::timestamptz`]),
    ...(needsAttention === undefined
      ? []
      : [Prisma.sql`(attention IS NOT NULL OR ${CONCERNED}) = ${needsAttention}`]),
    ...(after === undefined
      ? []
      : [Prisma.sql`(created_at, orders.id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`]),
  ]
  return Prisma.join(conditions, ' AND ')
}
