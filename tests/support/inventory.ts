/** A stocked inventory database for one test file, and ways to look into it. */
import { createUnitOfWork, type UnitOfWork } from '#platform/events/outbox.ts'
import type { Sql } from '#platform/database.ts'
import { applyAdjustment } from '#services/inventory/adjust-stock.ts'
import { allocate } from '#services/inventory/allocation/strategies/fewest-parcels.ts'
import type { GrantPolicy } from '#services/inventory/grant-stock.ts'
import { createPutProduct } from '#services/inventory/put-product.ts'
import { createReserveStock, type StockRequest } from '#services/inventory/reserve-stock.ts'
import { openDatabase, type InventoryDatabase } from '#services/inventory/store.ts'
import { closeWithFile } from './closing.ts'
import { freshDatabase } from './database.ts'

export interface TestInventory {
  database: InventoryDatabase
  transact: UnitOfWork<Sql>
  /** What use cases that promise stock take. */
  granting: GrantPolicy & { transact: UnitOfWork<Sql> }
  /** Makes a product with these units per warehouse. */
  stock(sku: string, units: Record<string, number>): Promise<void>
  /** `{ AMS: [onHand, held, committed] }` */
  levels(sku: string): Promise<Record<string, [number, number, number]>>
  /** The aggregate's events in the outbox, in order: `[version, type]`. */
  events(aggregateId: string): Promise<[number, string][]>
  /** Their types alone. */
  typesOf(aggregateId: string): Promise<string[]>
  payloads(aggregateId: string): Promise<unknown[]>
  /** Where the stock does not equal its ledger or is promised twice; must be empty. */
  wrongStock(): Promise<unknown[]>
}

export async function testInventory(poolSize = 10): Promise<TestInventory> {
  const database = openDatabase(await freshDatabase('inventory'), poolSize)
  closeWithFile(() => database.$disconnect())
  const transact = createUnitOfWork(database, () => {})
  const putProduct = createPutProduct({ transact })
  await database.warehouse.createMany({
    data: [
      { code: 'AMS', name: 'Amsterdam', priority: 1 },
      { code: 'LJU', name: 'Ljubljana', priority: 2 },
    ],
  })
  const outboxOf = (aggregateId: string) =>
    database.outbox.findMany({ where: { aggregateId }, orderBy: { id: 'asc' } })
  return {
    database,
    transact,
    granting: { transact, holdMinutes: 60, allocate },
    async stock(sku, units) {
      await putProduct({
        sku,
        product: {
          name: `Product ${sku}`,
          price: 1_000,
          currency: 'EUR',
          taxClass: 'standard',
          weightGrams: 100,
        },
      })
      for (const [warehouse, delta] of Object.entries(units)) {
        await transact((tx) => applyAdjustment(tx, { sku, warehouse, delta, reason: 'test' }))
      }
    },
    async levels(sku) {
      const rows = await database.stock.findMany({ where: { sku }, orderBy: { warehouseCode: 'asc' } })
      return Object.fromEntries(
        rows.map(({ warehouseCode, onHand, held, committed }) => [warehouseCode, [onHand, held, committed]]),
      )
    },
    events: async (aggregateId) => (await outboxOf(aggregateId)).map(({ version, type }) => [version, type]),
    typesOf: async (aggregateId) => (await outboxOf(aggregateId)).map(({ type }) => type),
    payloads: async (aggregateId) => (await outboxOf(aggregateId)).map(({ payload }) => payload),
    wrongStock: async () => database.$queryRaw`
      WITH ledger AS (
        SELECT sku, warehouse, sum(CASE kind WHEN 'shipped' THEN -quantity ELSE quantity END) AS units
        FROM stock_movements GROUP BY sku, warehouse
      ), promised AS (
        SELECT line.sku, line.warehouse,
          sum(CASE status WHEN 'held' THEN quantity ELSE 0 END) AS held,
          sum(CASE status WHEN 'committed' THEN quantity - shipped - released ELSE 0 END) AS committed
        FROM reservation_lines AS line JOIN reservations ON reservations.id = line.reservation_id
        GROUP BY line.sku, line.warehouse
      )
      SELECT stock.* FROM stock LEFT JOIN ledger USING (sku, warehouse) LEFT JOIN promised USING (sku, warehouse)
      WHERE on_hand <> coalesce(ledger.units, 0) OR stock.held <> coalesce(promised.held, 0)
         OR stock.committed <> coalesce(promised.committed, 0) OR on_hand < stock.held + stock.committed`,
  }
}

/** Lines of these units by SKU. */
export const need = (units: Record<string, number>) =>
  Object.entries(units).map(([sku, quantity]) => ({ sku, quantity }))

/** Asks for an order's stock: the first time, or anew. */
export const requestsTo = (granting: TestInventory['granting']) => {
  const reserveStock = createReserveStock(granting)
  return (
    orderId: string,
    request: number,
    units: Record<string, number>,
    options: Pick<StockRequest, 'onShortage' | 'reservationId'> = {},
  ) => reserveStock({ orderId, request, lines: need(units), ...options })
}

/** What is taken from where; the outcome where nothing is. */
export const allocationsOf = (answer: Awaited<ReturnType<ReturnType<typeof requestsTo>>>) =>
  'allocations' in answer ? answer.allocations : answer.outcome
