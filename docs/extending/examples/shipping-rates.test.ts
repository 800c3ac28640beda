import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeShippingRates } from '#services/orders/pricing/shipping/conformance.ts'
import { shippingRates } from './shipping-rates.ts'

describeShippingRates({ describe, it, expect, fc }, 'swiss', shippingRates)

describe('the Swiss rates', () => {
  it('count whole kilograms above the first two', () => {
    const costs = [0, 2_000, 2_001, 3_001].map((weightGrams) =>
      shippingRates.costOf({ weightGrams, country: 'CH', currency: 'CHF' }),
    )
    expect(costs).toEqual([900, 900, 1_000, 1_100])
  })
})
