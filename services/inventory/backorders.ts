/**
 * The queue of those who wait for stock. Each waits for the products that it found too little of, all or nothing; nobody
 * takes units of a product in front of one who has waited for that product longer. A product that an order has enough of
 * is not kept from others meanwhile; if it is gone by the time the rest has come, the order waits for it too, in its
 * place.
 */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'

export interface Backorder {
  position: bigint
  request: number
  demands: SkuQuantity[]
}

/** Where a reservation is in the queue; its row is locked by the caller. */
export async function readBackorder(tx: Sql, id: string): Promise<Backorder | undefined> {
  const rows = await tx.$queryRaw<(SkuQuantity & Omit<Backorder, 'demands'>)[]>`
    SELECT backorders.position, request, sku, quantity
    FROM backorders JOIN backorder_lines USING (reservation_id)
    WHERE reservation_id = ${id}::uuid ORDER BY sku COLLATE "C"`
  const [first] = rows
  if (first === undefined) return undefined
  const { position, request } = first
  return { position, request, demands: rows.map(({ sku, quantity }) => ({ sku, quantity })) }
}

export interface Enqueue {
  id: string
  request: number
  demands: readonly SkuQuantity[]
  /** The products that there is too little of. */
  shortOf: readonly string[]
  /** The place that it had and keeps; null for the end of the queue. */
  position: bigint | null
}

/** The rows of stock are locked, so that positions follow the order in which orders saw them. */
export async function enqueue(tx: Sql, { id, request, demands, shortOf, position }: Enqueue): Promise<void> {
  await tx.$executeRaw`
    WITH place AS (
      INSERT INTO backorders (reservation_id, request, position)
      VALUES (${id}::uuid, ${request}, coalesce(${position}::bigint, nextval('backorders_position_seq')))
      RETURNING position
    )
    INSERT INTO backorder_lines (reservation_id, sku, quantity, position, waiting)
    SELECT ${id}::uuid, sku, quantity, place.position, sku = ANY(${shortOf}::text[])
    FROM place, unnest(${demands.map(({ sku }) => sku)}::text[],
                       ${demands.map(({ quantity }) => quantity)}::int[]) AS demand (sku, quantity)`
}

export async function leaveQueue(tx: Sql, id: string): Promise<void> {
  await tx.$executeRaw`DELETE FROM backorders WHERE reservation_id = ${id}::uuid`
}

/** These were there when the order began to wait, and are no more. */
export async function waitAlsoFor(tx: Sql, id: string, skus: readonly string[]): Promise<void> {
  await tx.$executeRaw`
    UPDATE backorder_lines SET waiting = true WHERE reservation_id = ${id}::uuid AND sku = ANY(${skus}::text[])`
}

/** The first who waits for nothing that is still missing: the head of each of its queues, with enough stock for it. */
export async function findServable(
  sql: Sql,
  except: readonly string[],
): Promise<{ id: string; orderId: string } | undefined> {
  const [next] = await sql.$queryRaw<{ id: string; orderId: string }[]>`
    WITH head AS MATERIALIZED (
      SELECT DISTINCT ON (sku) sku, position, reservation_id FROM backorder_lines WHERE waiting ORDER BY sku, position
    ), candidate AS (
      SELECT DISTINCT reservation_id, position FROM head WHERE reservation_id <> ALL(${except}::uuid[])
    )
    SELECT reservations.id, reservations.order_id AS "orderId"
    FROM candidate JOIN reservations ON reservations.id = candidate.reservation_id
    WHERE NOT EXISTS (
      SELECT FROM backorder_lines AS line JOIN head USING (sku)
      WHERE line.reservation_id = candidate.reservation_id AND line.waiting
        AND (head.position <> line.position OR line.quantity >
          (SELECT coalesce(sum(on_hand - held - committed), 0) FROM stock WHERE stock.sku = line.sku)))
    ORDER BY candidate.position LIMIT 1`
  return next
}
