import { describe, expect, it } from 'vitest'
import type { WarehouseStock } from './allocation/allocation.ts'
import { findShortages, limitToStock, sumBySku } from './demands.ts'

const at = (warehouse: string, priority: number, units: Record<string, number>): WarehouseStock[] =>
  Object.entries(units).map(([sku, available]) => ({ sku, warehouse, available, priority }))

const need = (units: Record<string, number>) =>
  Object.entries(units).map(([sku, quantity]) => ({ sku, quantity }))

describe('findShortages', () => {
  it('counts all warehouses, and none for an unknown product', () => {
    const stock = [...at('AMS', 1, { A: 2 }), ...at('LJU', 2, { A: 2 })]
    expect(findShortages(need({ A: 4, B: 1 }), stock)).toEqual([{ sku: 'B', requested: 1, available: 0 }])
    expect(findShortages(need({ A: 5 }), stock)).toEqual([{ sku: 'A', requested: 5, available: 4 }])
  })
})

describe('sumBySku', () => {
  it('sums lines of one product', () => {
    const lines = [...need({ A: 1, B: 2 }), ...need({ A: 3 })]
    expect(sumBySku(lines)).toEqual(need({ A: 4, B: 2 }))
  })
})

describe('limitToStock', () => {
  it('asks for what there is, and not at all for what is not there', () => {
    const stock = [...at('AMS', 1, { A: 2 }), ...at('LJU', 2, { A: 2, C: 9 })]
    expect(limitToStock(need({ A: 5, B: 1, C: 3 }), stock)).toEqual(need({ A: 4, C: 3 }))
  })
})
