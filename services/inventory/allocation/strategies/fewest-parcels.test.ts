import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WarehouseStock } from '../allocation.ts'
import { describeAllocation } from '../conformance.ts'
import { allocate } from './fewest-parcels.ts'

const at = (warehouse: string, priority: number, units: Record<string, number>): WarehouseStock[] =>
  Object.entries(units).map(([sku, available]) => ({ sku, warehouse, available, priority }))

const need = (units: Record<string, number>) =>
  Object.entries(units).map(([sku, quantity]) => ({ sku, quantity }))

const SKUS = ['A', 'B', 'C', 'D']
const WAREHOUSES = ['AMS', 'LJU', 'VIE']

const stockArbitrary = fc.array(fc.nat({ max: 12 }), { minLength: 12, maxLength: 12 }).map((units) =>
  WAREHOUSES.flatMap((warehouse, row) =>
    SKUS.map((sku, column) => ({
      sku,
      warehouse,
      priority: row,
      available: units[row * SKUS.length + column]!,
    })),
  ),
)

const demandArbitrary = fc.uniqueArray(
  fc.record({ sku: fc.constantFrom(...SKUS), quantity: fc.integer({ min: 1, max: 20 }) }),
  { selector: ({ sku }) => sku, minLength: 1 },
)

describeAllocation({ describe, it, expect, fc }, 'fewest-parcels', allocate)

describe('fewest-parcels', () => {
  it('takes the first warehouse by priority that has everything', () => {
    const stock = [...at('LJU', 2, { A: 9, B: 9 }), ...at('AMS', 1, { A: 3, B: 3 })]
    expect(allocate(need({ A: 2, B: 3 }), stock)).toEqual([
      { sku: 'A', warehouse: 'AMS', quantity: 2 },
      { sku: 'B', warehouse: 'AMS', quantity: 3 },
    ])
  })

  it('prefers one parcel from a lower priority to two', () => {
    const stock = [...at('AMS', 1, { A: 9, B: 1 }), ...at('LJU', 2, { A: 2, B: 2 })]
    expect(new Set(allocate(need({ A: 2, B: 2 }), stock).map(({ warehouse }) => warehouse))).toEqual(
      new Set(['LJU']),
    )
  })

  it('keeps lines whole when the order has to be split', () => {
    const stock = [...at('AMS', 1, { A: 4, B: 2, C: 4 }), ...at('LJU', 2, { A: 0, B: 3, C: 0 })]
    expect(allocate(need({ A: 4, B: 3, C: 4 }), stock)).toEqual([
      { sku: 'A', warehouse: 'AMS', quantity: 4 },
      { sku: 'C', warehouse: 'AMS', quantity: 4 },
      { sku: 'B', warehouse: 'LJU', quantity: 3 },
    ])
  })

  it('splits a line that no warehouse has all of', () => {
    const stock = [...at('AMS', 1, { LAMP: 5 }), ...at('LJU', 2, { LAMP: 5 })]
    expect(allocate(need({ LAMP: 8 }), stock)).toEqual([
      { sku: 'LAMP', warehouse: 'AMS', quantity: 5 },
      { sku: 'LAMP', warehouse: 'LJU', quantity: 3 },
    ])
  })

  it('goes on elsewhere when a warehouse that sends a parcel anyway has nothing left', () => {
    const stock = [
      ...at('AMS', 1, { A: 2, B: 0 }),
      ...at('LJU', 2, { A: 0, B: 1 }),
      ...at('VIE', 3, { A: 0, B: 1 }),
    ]
    expect(allocate(need({ A: 2, B: 2 }), stock)).toEqual([
      { sku: 'A', warehouse: 'AMS', quantity: 2 },
      { sku: 'B', warehouse: 'LJU', quantity: 1 },
      { sku: 'B', warehouse: 'VIE', quantity: 1 },
    ])
  })

  it('sends one parcel whenever one warehouse has everything', () => {
    fc.assert(
      fc.property(demandArbitrary, stockArbitrary, (demands, stock) => {
        const complete = WAREHOUSES.find((warehouse) =>
          demands.every(({ sku, quantity }) =>
            stock.some(
              (entry) => entry.warehouse === warehouse && entry.sku === sku && entry.available >= quantity,
            ),
          ),
        )
        fc.pre(complete !== undefined)
        const senders = new Set(allocate(demands, stock).map(({ warehouse }) => warehouse))
        expect([...senders]).toEqual([complete])
      }),
      { numRuns: 1_000 },
    )
  })
})
