/** Holds stock for an order: all of it or nothing, once. */
import type { Allocation, SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import {
  fewestParcels,
  findShortages,
  sumBySku,
  type AllocatedLine,
  type AllocationStrategy,
  type Shortage,
  type WarehouseStock,
} from './allocate.ts'
import { readLines, toAllocations, toEventLines, type StoredStatus } from './reservations.ts'

export type ReservationOutcome =
  | { outcome: 'held'; allocations: Allocation[]; expiresAt: string }
  | { outcome: 'out_of_stock'; shortages: Shortage[] }
  | { outcome: 'released' }

export interface ReserveStockDependencies {
  transact: UnitOfWork<Sql>
  holdMinutes: number
  allocate?: AllocationStrategy
}

export type ReserveStock = (order: { orderId: string; lines: SkuQuantity[] }) => Promise<ReservationOutcome>

export const createReserveStock =
  ({ transact, holdMinutes, allocate = fewestParcels }: ReserveStockDependencies): ReserveStock =>
  ({ orderId, lines }) => {
    const demands = sumBySku(lines)
    return transact(async (tx) => {
      const claimed = await claim(tx, orderId, demands, holdMinutes)
      if (claimed === undefined) return repeatAnswer(tx, orderId)
      const shortages = findShortages(demands, claimed.stock)
      if (shortages.length > 0) return refuse(tx, orderId, shortages)
      return hold(tx, orderId, claimed.expiresAt, allocate(demands, claimed.stock))
    })
  }

interface Claim {
  expiresAt: string
  stock: WarehouseStock[]
}

/**
 * Takes the order's header and, only if it was free, locks the products' rows, in one statement. Every transaction
 * locks a header before stock and stock in this order, so that none waits for one that waits for it.
 */
async function claim(
  tx: Sql,
  orderId: string,
  demands: readonly SkuQuantity[],
  holdMinutes: number,
): Promise<Claim | undefined> {
  const skus = demands.map(({ sku }) => sku)
  const rows = await tx.$queryRaw<
    ({ expiresAt: Date } & (WarehouseStock | { [Field in keyof WarehouseStock]: null }))[]
  >`
    WITH header AS (
      INSERT INTO reservations (order_id, status, expires_at, version)
      VALUES (${orderId}::uuid, 'held', now() + make_interval(mins => ${holdMinutes}::int), 1)
      ON CONFLICT DO NOTHING RETURNING expires_at
    ), locked AS MATERIALIZED (
      SELECT sku, warehouse, on_hand - held - committed AS available FROM stock
      WHERE sku = ANY(${skus}::text[]) AND EXISTS (SELECT FROM header)
      ORDER BY sku, warehouse FOR NO KEY UPDATE
    )
    SELECT header.expires_at AS "expiresAt", locked.sku, locked.warehouse, locked.available, warehouses.priority
    FROM header LEFT JOIN locked ON true LEFT JOIN warehouses ON warehouses.code = locked.warehouse`
  const [first] = rows
  if (first === undefined) return undefined
  return { expiresAt: first.expiresAt.toISOString(), stock: rows.filter((row) => row.sku !== null) }
}

/** The CHECK constraints have the last word: a strategy that takes too much fails the transaction. */
async function hold(
  tx: Sql,
  orderId: string,
  expiresAt: string,
  lines: AllocatedLine[],
): Promise<ReservationOutcome> {
  await tx.$executeRaw`
    WITH line AS (
      SELECT * FROM unnest(${lines.map(({ sku }) => sku)}::text[], ${lines.map(({ warehouse }) => warehouse)}::text[],
                           ${lines.map(({ quantity }) => quantity)}::int[]) AS line (sku, warehouse, quantity)
    ), moved AS (
      UPDATE stock SET held = held + line.quantity FROM line
      WHERE stock.sku = line.sku AND stock.warehouse = line.warehouse
    )
    INSERT INTO reservation_lines (order_id, sku, warehouse, quantity)
    SELECT ${orderId}::uuid, sku, warehouse, quantity FROM line`
  await appendEvent(tx, {
    type: 'reservation.held',
    aggregateId: orderId,
    version: 1,
    payload: { orderId, lines: toEventLines(lines), expiresAt },
  })
  return { outcome: 'held', allocations: toAllocations(lines), expiresAt }
}

async function refuse(tx: Sql, orderId: string, shortages: Shortage[]): Promise<ReservationOutcome> {
  await tx.$executeRaw`
    UPDATE reservations SET status = 'refused', expires_at = NULL, shortages = ${JSON.stringify(shortages)}::jsonb
    WHERE order_id = ${orderId}::uuid`
  await appendEvent(tx, {
    type: 'reservation.refused',
    aggregateId: orderId,
    version: 1,
    payload: { orderId, skus: shortages.map(({ sku }) => sku) },
  })
  return { outcome: 'out_of_stock', shortages }
}

/** What the first call was answered; a hold that has been undone since does not come to life again. */
async function repeatAnswer(tx: Sql, orderId: string): Promise<ReservationOutcome> {
  const [row] = await tx.$queryRaw<
    { status: StoredStatus; expiresAt: Date | null; shortages: Shortage[] | null }[]
  >`
    SELECT status, expires_at AS "expiresAt", shortages FROM reservations WHERE order_id = ${orderId}::uuid`
  if (row === undefined) throw new Error(`the reservation of order ${orderId} is there and is not`)
  if (row.status === 'refused') return { outcome: 'out_of_stock', shortages: row.shortages ?? [] }
  if (row.status === 'released' || row.status === 'expired') return { outcome: 'released' }
  if (row.expiresAt === null) throw new Error(`the hold of order ${orderId} has no end`)
  const allocations = toAllocations(await readLines(tx, orderId))
  return { outcome: 'held', allocations, expiresAt: row.expiresAt.toISOString() }
}
