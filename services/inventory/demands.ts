/** What is asked of the stock, and what of it the stock can give. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { WarehouseStock } from './allocation/allocation.ts'

export interface Shortage {
  sku: string
  requested: number
  available: number
}

/** One demand per SKU. */
export function sumBySku(lines: readonly SkuQuantity[]): SkuQuantity[] {
  const quantities = new Map<string, number>()
  for (const { sku, quantity } of lines) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity)
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }))
}

/** The demands that all warehouses together cannot meet. */
export function findShortages(demands: readonly SkuQuantity[], stock: readonly WarehouseStock[]): Shortage[] {
  return demands.flatMap(({ sku, quantity }) => {
    const available = availableOf(sku, stock)
    return available < quantity ? [{ sku, requested: quantity, available }] : []
  })
}

/** Of each demand what there is; nothing of a product that is not there. */
export function limitToStock(
  demands: readonly SkuQuantity[],
  stock: readonly WarehouseStock[],
): SkuQuantity[] {
  return demands
    .map(({ sku, quantity }) => ({ sku, quantity: Math.min(quantity, availableOf(sku, stock)) }))
    .filter(({ quantity }) => quantity > 0)
}

const availableOf = (sku: string, stock: readonly WarehouseStock[]): number =>
  stock.reduce((units, entry) => units + (entry.sku === sku ? entry.available : 0), 0)
