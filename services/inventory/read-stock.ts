/** Where a product's units are and what is promised of them. */
import type { StockLevel, Warehouse } from '#contracts/http/inventory.ts'
import { notFound } from '#platform/problem.ts'
import type { InventoryDatabase } from './store.ts'

export interface ReadStock {
  /** @throws ProblemError `not_found` */
  ofProduct(sku: string): Promise<StockLevel>
  warehouses(): Promise<Warehouse[]>
}

export const createReadStock = (database: InventoryDatabase): ReadStock => ({
  async ofProduct(sku) {
    const product = await database.product.findUnique({
      where: { sku },
      select: { stock: { orderBy: { warehouseCode: 'asc' } } },
    })
    if (product === null) throw notFound('product')
    const warehouses = product.stock.map(({ warehouseCode, onHand, held, committed }) => ({
      warehouse: warehouseCode,
      onHand,
      held,
      committed,
      available: onHand - held - committed,
    }))
    return { sku, warehouses }
  },
  warehouses: () => database.warehouse.findMany({ orderBy: [{ priority: 'asc' }, { code: 'asc' }] }),
})
