/**
 * Which warehouse sends what: the port that a strategy implements. A strategy is one file in `strategies/` that exports
 * `allocate`; it is chosen by its name (`ALLOCATION=fewest-parcels`) and run by the suite of conformance.ts.
 */
import type { SkuQuantity } from '#contracts/schemas.ts'

/** What one warehouse has of one product. */
export interface WarehouseStock {
  sku: string
  warehouse: string
  available: number
  /** Lower sends first. */
  priority: number
}

export interface AllocatedLine {
  sku: string
  warehouse: string
  quantity: number
}

/**
 * Divides demands (one per SKU) that the stock covers. A pure decision about rows that the caller has locked: the same
 * stock, in whatever order, gives the same answer; each demand is met exactly and nothing is taken that is not available.
 *
 * @throws Error when the stock does not cover the demands
 */
export type AllocationStrategy = (
  demands: readonly SkuQuantity[],
  stock: readonly WarehouseStock[],
) => AllocatedLine[]
