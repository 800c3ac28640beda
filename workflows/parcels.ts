/** Which parcel carries which money: pure arithmetic on the order's lines and its allocation to warehouses. */
import { shareOf } from '#contracts/money.ts'
import type { Allocation, SkuQuantity } from '#contracts/schemas.ts'
import type { OrderWorkflowLine } from '#contracts/workflows.ts'

export interface Parcel {
  warehouse: string
  lines: SkuQuantity[]
  /** What its lines cost with tax, minor units. */
  amount: number
}

/**
 * Gives each allocation its share of the lines' money. Units of a line are handed out in order, so that the shares of
 * all parcels add up exactly to the lines.
 */
export function planParcels(
  lines: readonly OrderWorkflowLine[],
  allocations: readonly Allocation[],
): Parcel[] {
  const handedOut = lines.map(() => 0)

  /** Takes `quantity` units of a SKU from its lines and returns what they cost. */
  function take({ sku, quantity }: SkuQuantity): number {
    let amount = 0
    let left = quantity
    for (const [index, line] of lines.entries()) {
      if (line.sku !== sku || left === 0) continue
      const from = handedOut[index] ?? 0
      const to = Math.min(line.quantity, from + left)
      amount += shareOf(line.total, line.quantity, from, to) + shareOf(line.tax, line.quantity, from, to)
      handedOut[index] = to
      left -= to - from
    }
    return amount
  }

  return allocations.map(({ warehouse, lines: allocated }) => ({
    warehouse,
    lines: allocated,
    amount: allocated.reduce((sum, line) => sum + take(line), 0),
  }))
}
