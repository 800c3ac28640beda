/** The orders database: opening it, and the one way to read orders whole. */
import type { Order } from '#contracts/http/orders.ts'
import type { Sql } from '#platform/database.ts'
import { openPostgres, type WithSql } from '#platform/postgres.ts'
import { Prisma, PrismaClient } from '#prisma/orders/client/client.ts'
import { presentOrder } from './present-order.ts'
import type { OrderRow } from './rows.ts'

export type OrdersDatabase = WithSql<PrismaClient>
export type OrdersTransaction = Sql

export function openDatabase(connectionString: string, max: number): OrdersDatabase {
  const { adapter, sql } = openPostgres(connectionString, max)
  return Object.assign(new PrismaClient({ adapter }), sql)
}

const WHOLE_ORDER = Prisma.sql`
  orders.id, number, customer_id, status, reason_code, reason_message, currency, subtotal, tax + shipping_tax AS tax, shipping,
  total, shipping_address, attention, waiting_for, version, created_at, updated_at,
  EXISTS (SELECT 1 FROM concerns WHERE concerns.order_id = orders.id AND settled_at IS NULL) AS concerned,
  EXISTS (SELECT 1 FROM timeline_entries WHERE timeline_entries.order_id = orders.id AND kind = 'request' AND name = 'cancel')
    AS cancel_accepted,
  (SELECT json_agg(line ORDER BY position) FROM order_lines AS line WHERE line.order_id = orders.id) AS lines,
  (SELECT row_to_json(payment) FROM order_payments AS payment WHERE payment.order_id = orders.id) AS payment,
  (SELECT coalesce(json_agg(shipment ORDER BY warehouse, shipment.id), '[]')
     FROM order_shipments AS shipment WHERE shipment.order_id = orders.id) AS shipments,
  (SELECT coalesce(json_agg(entry ORDER BY entry.created_at, entry.id), '[]') FROM (
     SELECT returns.id, returns.order_id, returns.status, goods, returns.shipping, returns.refunded, returns.created_at,
       (SELECT captured - payment.refunded FROM order_payments AS payment WHERE payment.order_id = orders.id) AS left,
       (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity, 'reason', line.reason) ORDER BY position)
          FROM return_lines AS line WHERE line.return_id = returns.id) AS lines
     FROM returns WHERE returns.order_id = orders.id) AS entry) AS returns,
  (SELECT coalesce(json_agg(json_build_object('goods', goods, 'lines', coalesce(parcel.lines, '[]'))), '[]')
     FROM lost_parcels AS lost LEFT JOIN order_shipments AS parcel ON parcel.id = lost.shipment_id AND NOT given_up
     WHERE lost.order_id = orders.id AND (given_up OR parcel.id IS NOT NULL)) AS lost_parcels`

/** Whose orders a caller may know of: their own, or (null) everybody's. */
export type OwnerFilter = string | null

/** Reads inside and outside of transactions. */
type Reader = Pick<OrdersTransaction, '$queryRaw'>

/** One order, whole, if this owner may know of it. */
export async function findOrder(
  database: Reader,
  id: string,
  owner: OwnerFilter,
): Promise<Order | undefined> {
  const [row] = await queryOrders(
    database,
    Prisma.sql`orders.id = ${id}::uuid AND (${owner}::uuid IS NULL OR customer_id = ${owner}::uuid)`,
    1,
  )
  return row === undefined ? undefined : presentOrder(row)
}

/** Orders that match, newest first. */
export async function queryOrders(database: Reader, where: Prisma.Sql, limit: number): Promise<OrderRow[]> {
  const query = Prisma.sql`
    SELECT ${WHOLE_ORDER} FROM orders WHERE ${where} ORDER BY created_at DESC, orders.id DESC LIMIT ${limit}`
  return database.$queryRaw<OrderRow[]>(query)
}
