import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeAllocation } from '#services/inventory/allocation/conformance.ts'
import { allocate } from './allocation.ts'

describeAllocation({ describe, it, expect, fc }, 'fullest-first', allocate)

describe('fullest-first', () => {
  it('takes from the warehouse that has most', () => {
    const stock = [
      { sku: 'A', warehouse: 'AMS', priority: 1, available: 3 },
      { sku: 'A', warehouse: 'LJU', priority: 2, available: 8 },
    ]
    expect(allocate([{ sku: 'A', quantity: 2 }], stock)).toEqual([
      { sku: 'A', warehouse: 'LJU', quantity: 2 },
    ])
  })
})
