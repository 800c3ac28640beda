import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeTaxPolicy } from '../conformance.ts'
import { taxPolicy } from './country-table.ts'

describeTaxPolicy({ describe, it, expect, fc }, 'country-table', taxPolicy)

describe('country-table', () => {
  it('taxes by class, and shipping at the standard rate', () => {
    const rates = (['standard', 'reduced', 'zero'] as const).map((taxClass) =>
      taxPolicy.rateOf({ country: 'NL', taxClass }),
    )
    expect(rates).toEqual([2_100, 900, 0])
    expect(taxPolicy.shippingRateOf('NL')).toBe(2_100)
  })

  it('collects nothing where the seller has no duty', () => {
    expect(taxPolicy.rateOf({ country: 'US', taxClass: 'standard' })).toBe(0)
    expect(taxPolicy.shippingRateOf('US')).toBe(0)
  })
})
