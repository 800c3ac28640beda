/** Locks stock and promises it to a reservation. */
import type { Sql } from '#platform/database.ts'
import type { AllocatedLine, WarehouseStock } from './allocation/allocation.ts'
import type { Shortage } from './demands.ts'
import type { StoredAnswer } from './requests.ts'
import { toAllocations } from './reservations.ts'

/**
 * Locks the products' rows in the one order that every transaction keeps, so that none waits for one that waits for it.
 * Units of a product for which somebody waits in front of `position` count as not available.
 */
export const lockStock = (
  tx: Sql,
  skus: readonly string[],
  position: bigint | null,
): PromiseLike<WarehouseStock[]> => tx.$queryRaw`
    WITH locked AS MATERIALIZED (
      SELECT sku, warehouse, on_hand - held - committed AS units FROM stock
      WHERE sku = ANY(${skus}::text[]) ORDER BY sku, warehouse FOR NO KEY UPDATE
    ), awaited AS (
      SELECT DISTINCT sku FROM backorder_lines
      WHERE sku = ANY(${skus}::text[]) AND waiting AND (${position}::bigint IS NULL OR position < ${position})
    )
    SELECT sku, warehouse, warehouses.priority,
      CASE WHEN sku IN (SELECT sku FROM awaited) THEN 0 ELSE units END AS available
    FROM locked JOIN warehouses ON warehouses.code = warehouse`

/** The stock as it is for somebody who already has these units of it. */
export const withOwn = (stock: readonly WarehouseStock[], own: readonly AllocatedLine[]): WarehouseStock[] =>
  stock.map((entry) => ({ ...entry, available: entry.available + quantityAt(own, entry) }))

const quantityAt = (
  lines: readonly AllocatedLine[],
  { sku, warehouse }: { sku: string; warehouse: string },
): number => lines.find((line) => line.sku === sku && line.warehouse === warehouse)?.quantity ?? 0

export type HeldAnswer = Extract<StoredAnswer, { outcome: 'held' }>

export interface Take {
  /** Of the reservation. */
  id: string
  /** Which of the promises it is. */
  status: 'held' | 'committed'
  request: number
  /** What was promised before, and is no more. */
  promised: readonly AllocatedLine[]
  lines: readonly AllocatedLine[]
  /** What the answer says: the lines, unless more than was asked for is promised. */
  answered: readonly AllocatedLine[]
  shortages: readonly Shortage[]
}

/** Enough for the one and enough for the other, not both together. */
export const enoughForEither = (
  one: readonly AllocatedLine[],
  other: readonly AllocatedLine[],
): AllocatedLine[] => [
  ...one.map((line) => ({ ...line, quantity: Math.max(line.quantity, quantityAt(other, line)) })),
  ...other.filter((line) => quantityAt(one, line) === 0),
]

/**
 * Puts `lines` in the place of what was promised, and stores the answer. The CHECK constraints have the last word: a
 * strategy that takes too much fails the transaction.
 */
export async function promiseLines(
  tx: Sql,
  { id, status, request, promised, lines, answered, shortages }: Take,
): Promise<HeldAnswer> {
  const answer = {
    outcome: 'held' as const,
    allocations: toAllocations(answered),
    ...(shortages.length === 0 ? {} : { shortages: [...shortages] }),
  }
  const moves = netMoves(promised, lines)
  if (promised.length > 0) {
    await tx.$executeRaw`DELETE FROM reservation_lines WHERE reservation_id = ${id}::uuid`
  }
  await tx.$executeRaw`
    WITH move AS (
      SELECT * FROM unnest(${moves.map(({ sku }) => sku)}::text[], ${moves.map(({ warehouse }) => warehouse)}::text[],
                           ${moves.map(({ quantity }) => quantity)}::int[]) AS move (sku, warehouse, quantity)
    ), moved AS (
      UPDATE stock SET
        held = held + CASE WHEN ${status} = 'committed' THEN 0 ELSE move.quantity END,
        committed = committed + CASE WHEN ${status} = 'committed' THEN move.quantity ELSE 0 END
      FROM move WHERE stock.sku = move.sku AND stock.warehouse = move.warehouse
    ), answered AS (
      INSERT INTO reservation_requests (reservation_id, request, answer)
      VALUES (${id}::uuid, ${request}, ${JSON.stringify(answer)}::jsonb)
      ON CONFLICT (reservation_id, request) DO UPDATE SET answer = EXCLUDED.answer
    )
    INSERT INTO reservation_lines (reservation_id, sku, warehouse, quantity)
    SELECT ${id}::uuid, * FROM unnest(${lines.map(({ sku }) => sku)}::text[],
      ${lines.map(({ warehouse }) => warehouse)}::text[], ${lines.map(({ quantity }) => quantity)}::int[])`
  return answer
}

/** What each row of stock gains or loses. */
function netMoves(promised: readonly AllocatedLine[], lines: readonly AllocatedLine[]): AllocatedLine[] {
  const freed = promised.map(({ sku, warehouse, quantity }) => ({
    sku,
    warehouse,
    quantity: quantityAt(lines, { sku, warehouse }) - quantity,
  }))
  const added = lines.filter((line) => quantityAt(promised, line) === 0)
  return [...freed, ...added]
}
