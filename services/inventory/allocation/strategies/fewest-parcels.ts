/**
 * The default strategy: as few parcels as a greedy choice finds. A warehouse that can send everything sends everything;
 * otherwise the one that covers most whole lines sends those, and so on. A line is split only when no warehouse has all of
 * it. Ties go to a warehouse that sends a parcel anyway, then to the one with more of the units, then by priority.
 */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { AllocatedLine, AllocationStrategy, WarehouseStock } from '../allocation.ts'

export const allocate: AllocationStrategy = (demands, stock) => {
  const remaining = new Map(demands.map(({ sku, quantity }) => [sku, quantity]))
  const warehouses = byWarehouse(stock)
  const lines: AllocatedLine[] = []
  while (remaining.size > 0) {
    const offers = warehouses.map((warehouse) => offer(warehouse, remaining)).filter(({ units }) => units > 0)
    const best = offers.sort(compareOffers)[0]
    if (best === undefined) throw new Error('the stock does not cover what is allocated')
    const taken = best.whole.length > 0 ? best.whole : best.parts
    for (const { sku, quantity } of taken) {
      lines.push({ sku, warehouse: best.warehouse.code, quantity })
      best.warehouse.available.set(sku, (best.warehouse.available.get(sku) ?? 0) - quantity)
      const left = (remaining.get(sku) ?? 0) - quantity
      if (left === 0) remaining.delete(sku)
      else remaining.set(sku, left)
    }
    best.warehouse.sends = true
  }
  return lines
}

interface Candidate {
  code: string
  priority: number
  available: Map<string, number>
  sends: boolean
}

interface Offer {
  warehouse: Candidate
  /** Lines of which it has everything that is still needed. */
  whole: SkuQuantity[]
  /** What it has of any line that is still needed. */
  parts: SkuQuantity[]
  units: number
}

function byWarehouse(stock: readonly WarehouseStock[]): Candidate[] {
  const candidates = new Map<string, Candidate>()
  for (const { sku, warehouse, available, priority } of stock) {
    const known = candidates.get(warehouse)
    const candidate = known ?? { code: warehouse, priority, available: new Map(), sends: false }
    candidate.available.set(sku, available)
    candidates.set(warehouse, candidate)
  }
  return [...candidates.values()]
}

function offer(warehouse: Candidate, remaining: ReadonlyMap<string, number>): Offer {
  const parts = [...remaining].flatMap(([sku, needed]) => {
    const quantity = Math.min(needed, warehouse.available.get(sku) ?? 0)
    return quantity > 0 ? [{ sku, quantity }] : []
  })
  const whole = parts.filter(({ sku, quantity }) => quantity === remaining.get(sku))
  return { warehouse, whole, parts, units: parts.reduce((units, { quantity }) => units + quantity, 0) }
}

const compareOffers = (a: Offer, b: Offer): number =>
  b.whole.length - a.whole.length ||
  Number(b.warehouse.sends) - Number(a.warehouse.sends) ||
  b.units - a.units ||
  a.warehouse.priority - b.warehouse.priority ||
  (a.warehouse.code < b.warehouse.code ? -1 : 1)
