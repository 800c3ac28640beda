/** Units that were promised are available again. */
import type { Sql } from '#platform/database.ts'
import type { AllocatedLine } from './allocation/allocation.ts'

export async function giveBack(
  tx: Sql,
  { lines, from }: { lines: readonly AllocatedLine[]; from: 'held' | 'committed' },
): Promise<void> {
  if (lines.length === 0) return
  const committed = from === 'committed'
  await tx.$executeRaw`
    WITH line AS (
      SELECT * FROM unnest(${lines.map(({ sku }) => sku)}::text[], ${lines.map(({ warehouse }) => warehouse)}::text[],
                           ${lines.map(({ quantity }) => quantity)}::int[]) AS line (sku, warehouse, quantity)
    ), locked AS MATERIALIZED (
      SELECT stock.sku, stock.warehouse, line.quantity FROM stock JOIN line USING (sku, warehouse)
      ORDER BY stock.sku, stock.warehouse FOR NO KEY UPDATE OF stock
    )
    UPDATE stock SET
      held = held - CASE WHEN ${committed} THEN 0 ELSE locked.quantity END,
      committed = committed - CASE WHEN ${committed} THEN locked.quantity ELSE 0 END
    FROM locked WHERE stock.sku = locked.sku AND stock.warehouse = locked.warehouse`
}
