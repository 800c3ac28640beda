/** Reads returns, one or a page of them, newest first. */
import type { Static } from 'typebox'
import type { listReturns, Return } from '#contracts/http/returns.ts'
import { decodeCursor, NewestFirst, toPage } from '#platform/keyset.ts'
import { Prisma } from '#prisma/orders/client/client.ts'
import type { ReturnRow } from '../rows.ts'
import type { OrdersDatabase, OrdersTransaction, OwnerFilter } from '../store.ts'
import { presentReturn } from './present-return.ts'

export interface FoundReturn extends ReturnRow {
  version: number
  created_at: Date
}

type Reader = Pick<OrdersTransaction, '$queryRaw'>

const WHOLE_RETURN = Prisma.sql`
  id, order_id, status, goods::float8 AS goods, shipping::float8 AS shipping, refunded::float8 AS refunded,
  (SELECT (captured - payment.refunded)::float8 FROM order_payments AS payment WHERE payment.order_id = returns.order_id) AS left,
  version, created_at,
  (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity, 'reason', line.reason) ORDER BY position)
     FROM return_lines AS line WHERE line.return_id = returns.id) AS lines`

/** One return, if this owner may know of it. */
export async function findReturn(
  database: Reader,
  id: string,
  owner: OwnerFilter,
): Promise<FoundReturn | undefined> {
  const [row] = await database.$queryRaw<FoundReturn[]>(Prisma.sql`
    SELECT ${WHOLE_RETURN} FROM returns
    WHERE id = ${id}::uuid AND (${owner}::uuid IS NULL OR customer_id = ${owner}::uuid)`)
  return row
}

type Filter = Static<typeof listReturns.schema.querystring>

export const createListReturns =
  (database: OrdersDatabase) =>
  async (
    { limit = 20, cursor, status }: Filter,
    owner: OwnerFilter,
  ): Promise<{ data: Return[]; nextCursor: string | null }> => {
    const after = decodeCursor(NewestFirst, cursor)
    const conditions = [
      Prisma.sql`true`,
      ...(owner === null ? [] : [Prisma.sql`customer_id = ${owner}::uuid`]),
      ...(status === undefined ? [] : [Prisma.sql`status = ${status}`]),
      ...(after === undefined
        ? []
        : [Prisma.sql`(created_at, id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`]),
    ]
    const rows = await database.$queryRaw<FoundReturn[]>(Prisma.sql`
      SELECT ${WHOLE_RETURN} FROM returns WHERE ${Prisma.join(conditions, ' AND ')}
      ORDER BY created_at DESC, id DESC LIMIT ${limit + 1}`)
    const page = toPage(rows, limit, (row) => [row.created_at.toISOString(), row.id])
    return { data: page.data.map(presentReturn), nextCursor: page.nextCursor }
  }
