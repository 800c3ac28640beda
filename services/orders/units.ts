/** Units of products, counted by SKU. */
import type { SkuQuantity } from '#contracts/schemas.ts'

export function countUnits(lines: readonly SkuQuantity[]): Map<string, number> {
  const units = new Map<string, number>()
  for (const { sku, quantity } of lines) units.set(sku, (units.get(sku) ?? 0) + quantity)
  return units
}

/**
 * Hands units out to the lines of their SKU in order, to each no more than it has; what no line takes is left over.
 *
 * @returns how many units each line got
 */
export function handOut(lines: readonly SkuQuantity[], units: ReadonlyMap<string, number>): number[] {
  const left = new Map(units)
  return lines.map(({ sku, quantity }) => {
    const taken = Math.min(quantity, left.get(sku) ?? 0)
    left.set(sku, (left.get(sku) ?? 0) - taken)
    return taken
  })
}
