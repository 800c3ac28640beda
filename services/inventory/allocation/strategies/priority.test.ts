import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeAllocation } from '../conformance.ts'
import { allocate } from './priority.ts'

describeAllocation({ describe, it, expect, fc }, 'priority', allocate)

describe('priority', () => {
  it('empties the first warehouse even if the second has everything', () => {
    const stock = [
      { sku: 'A', warehouse: 'LJU', priority: 2, available: 9 },
      { sku: 'A', warehouse: 'AMS', priority: 1, available: 2 },
    ]
    expect(allocate([{ sku: 'A', quantity: 5 }], stock)).toEqual([
      { sku: 'A', warehouse: 'AMS', quantity: 2 },
      { sku: 'A', warehouse: 'LJU', quantity: 3 },
    ])
  })
})
