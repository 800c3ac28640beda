import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_AMOUNT, sum } from '#contracts/money.ts'
import type { Allocation } from '#contracts/schemas.ts'
import type { OrderWorkflowLine } from '#contracts/workflows.ts'
import { planParcels } from './parcels.ts'

const line: fc.Arbitrary<OrderWorkflowLine> = fc.record({
  sku: fc.constantFrom('A', 'B', 'C'),
  quantity: fc.integer({ min: 1, max: 50 }),
  total: fc.integer({ min: 0, max: MAX_AMOUNT / 100 }),
  tax: fc.integer({ min: 0, max: MAX_AMOUNT / 100 }),
})

/** Lines, and where each single unit of them is sent from. */
const order = fc.array(line, { minLength: 1, maxLength: 8 }).chain((lines) =>
  fc.record({
    lines: fc.constant(lines),
    warehouses: fc.array(fc.nat(3), {
      minLength: sum(lines.map(({ quantity }) => quantity)),
      maxLength: sum(lines.map(({ quantity }) => quantity)),
    }),
  }),
)

function allocate(lines: OrderWorkflowLine[], warehouses: number[]): Allocation[] {
  const units = lines.flatMap(({ sku, quantity }) => Array.from({ length: quantity }, () => sku))
  const byWarehouse = Map.groupBy(units.entries(), ([unit]) => warehouses[unit]!)
  return [...byWarehouse].map(([warehouse, taken]) => ({
    warehouse: `W${warehouse}`,
    lines: [...Map.groupBy(taken, ([, sku]) => sku)].map(([sku, same]) => ({ sku, quantity: same.length })),
  }))
}

describe('planParcels', () => {
  it('gives parcels amounts that add up to the lines, however the units are spread', () => {
    fc.assert(
      fc.property(order, ({ lines, warehouses }) => {
        const allocations = allocate(lines, warehouses)
        const parcels = planParcels(lines, allocations)
        expect(sum(parcels.map(({ amount }) => amount))).toBe(sum(lines.map(({ total, tax }) => total + tax)))
        expect(parcels.map(({ warehouse, lines: sent }) => ({ warehouse, lines: sent }))).toEqual(allocations)
        for (const { amount } of parcels) expect(amount).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it('splits 8 lamps over two warehouses to the cent', () => {
    const lines = [{ sku: 'LAMP-OAK', quantity: 8, total: 8 * 4_999, tax: 8_399 }]
    const parcels = planParcels(lines, [
      { warehouse: 'AMS', lines: [{ sku: 'LAMP-OAK', quantity: 5 }] },
      { warehouse: 'LJU', lines: [{ sku: 'LAMP-OAK', quantity: 3 }] },
    ])
    // round(5 · 8399 / 8) = 5249 of the tax goes with the first parcel
    expect(parcels.map(({ amount }) => amount)).toEqual([5 * 4_999 + 5_249, 3 * 4_999 + 3_150])
  })

  it('charges nothing for units that no line has', () => {
    const lines = [{ sku: 'A', quantity: 1, total: 100, tax: 21 }]
    const parcels = planParcels(lines, [{ warehouse: 'AMS', lines: [{ sku: 'A', quantity: 5 }] }])
    expect(parcels.map(({ amount }) => amount)).toEqual([121])
  })
})
