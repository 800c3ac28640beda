/** Takes from whoever has most of a product, so that no warehouse runs dry before the others. */
import type { AllocationStrategy, WarehouseStock } from '#services/inventory/allocation/allocation.ts'

export const allocate: AllocationStrategy = (demands, stock) => {
  const fullest = stock.toSorted(byUnits)
  return demands.flatMap(({ sku, quantity }) => {
    let needed = quantity
    const lines = fullest.flatMap((entry) => {
      const taken = entry.sku === sku ? Math.min(needed, entry.available) : 0
      needed -= taken
      return taken > 0 ? [{ sku, warehouse: entry.warehouse, quantity: taken }] : []
    })
    if (needed > 0) throw new Error(`there are ${needed} of ${sku} too few`)
    return lines
  })
}

/** A total order: the same stock, in whatever order it is listed, is divided the same. */
const byUnits = (a: WarehouseStock, b: WarehouseStock): number =>
  b.available - a.available || a.priority - b.priority || (a.warehouse < b.warehouse ? -1 : 1)
