/** Returned goods come back: into the stock, or counted and written off. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import { sumBySku } from './demands.ts'

export interface ReturnedGoods {
  returnId: string
  orderId: string
  warehouse: string
  lines: SkuQuantity[]
  disposition: 'restock' | 'write_off'
}

export type RestockOutcome = { outcome: 'restocked' } | { outcome: 'refused'; reason: string }

export type Restock = (goods: ReturnedGoods) => Promise<RestockOutcome>

/** Once per return. It is refused where there is no such warehouse or product. */
export const createRestock =
  ({ transact }: { transact: UnitOfWork<Sql> }): Restock =>
  (goods) =>
    transact(async (tx) => {
      const { returnId, orderId, warehouse, disposition } = goods
      const lines = sumBySku(goods.lines)
      const unknown = await findUnknown(tx, warehouse, lines)
      if (unknown !== undefined) return { outcome: 'refused', reason: `there is no ${unknown}` }
      const first = await tx.$executeRaw`
        INSERT INTO restocked_returns (return_id, order_id, disposition)
        VALUES (${returnId}::uuid, ${orderId}::uuid, ${disposition}) ON CONFLICT DO NOTHING`
      if (first === 0) return { outcome: 'restocked' }
      await takeIn(tx, { ...goods, lines })
      const payload = { returnId, orderId, warehouse, lines, writtenOff: disposition === 'write_off' }
      await appendEvent(tx, { type: 'stock.restocked', aggregateId: returnId, version: 1, payload })
      return { outcome: 'restocked' }
    })

async function findUnknown(
  tx: Sql,
  warehouse: string,
  lines: readonly SkuQuantity[],
): Promise<string | undefined> {
  const rows = await tx.$queryRaw<{ missing: string }[]>`
    SELECT 'warehouse ' || ${warehouse}::text AS missing
    WHERE NOT EXISTS (SELECT FROM warehouses WHERE code = ${warehouse})
    UNION ALL
    SELECT 'product ' || sku FROM unnest(${lines.map(({ sku }) => sku)}::text[]) AS line (sku)
    WHERE NOT EXISTS (SELECT FROM products WHERE products.sku = line.sku)`
  return rows[0]?.missing
}

/** What is written off comes in and goes out again, so that the ledger tells both. */
async function takeIn(tx: Sql, { returnId, warehouse, lines, disposition }: ReturnedGoods): Promise<void> {
  const skus = lines.map(({ sku }) => sku)
  const quantities = lines.map(({ quantity }) => quantity)
  const writtenOff = disposition === 'write_off'
  await tx.$executeRaw`
    INSERT INTO stock (sku, warehouse)
    SELECT sku, ${warehouse} FROM unnest(${skus}::text[]) AS line (sku) ORDER BY sku ON CONFLICT DO NOTHING`
  await tx.$executeRaw`
    WITH line AS (
      SELECT * FROM unnest(${skus}::text[], ${quantities}::int[]) AS line (sku, quantity)
    ), locked AS MATERIALIZED (
      SELECT stock.sku, line.quantity FROM stock JOIN line USING (sku) WHERE warehouse = ${warehouse}
      ORDER BY stock.sku FOR NO KEY UPDATE OF stock
    ), moved AS (
      UPDATE stock SET on_hand = on_hand + CASE WHEN ${writtenOff} THEN 0 ELSE locked.quantity END
      FROM locked WHERE stock.sku = locked.sku AND stock.warehouse = ${warehouse}
    )
    INSERT INTO stock_movements (id, sku, warehouse, kind, quantity, reason, reference)
    SELECT gen_random_uuid(), sku, ${warehouse}, 'returned', quantity, NULL, ${returnId} FROM line
    UNION ALL
    SELECT gen_random_uuid(), sku, ${warehouse}, 'adjusted', -quantity, 'written off after a return', ${returnId} FROM line
    WHERE ${writtenOff}`
}
