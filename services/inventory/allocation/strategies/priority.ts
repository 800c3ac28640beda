/**
 * Empties the warehouses in the order of their priority, however many parcels that makes: for a shop that wants its first
 * warehouse cleared, or whose first warehouse is so much cheaper that a second parcel costs less.
 */
import type { AllocationStrategy, WarehouseStock } from '../allocation.ts'

export const allocate: AllocationStrategy = (demands, stock) => {
  const preferred = stock.toSorted(byPriority)
  return demands.flatMap(({ sku, quantity }) => {
    let needed = quantity
    const lines = preferred.flatMap((entry) => {
      const taken = entry.sku === sku ? Math.min(needed, entry.available) : 0
      needed -= taken
      return taken > 0 ? [{ sku, warehouse: entry.warehouse, quantity: taken }] : []
    })
    if (needed > 0) throw new Error('the stock does not cover what is allocated')
    return lines
  })
}

const byPriority = (a: WarehouseStock, b: WarehouseStock): number =>
  a.priority - b.priority || (a.warehouse < b.warehouse ? -1 : 1)
