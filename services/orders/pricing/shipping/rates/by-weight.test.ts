import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeShippingRates } from '../conformance.ts'
import { shippingRates } from './by-weight.ts'

describeShippingRates({ describe, it, expect, fc }, 'by-weight', shippingRates)

const cost = (weightGrams: number, currency: string) =>
  shippingRates.costOf({ weightGrams, country: 'NL', currency })

describe('by-weight', () => {
  it('goes up by weight, has the currency’s minor units, and is nothing for nothing', () => {
    expect([0, 1, 1_000, 1_001, 5_000, 20_000, 20_001].map((grams) => cost(grams, 'EUR'))).toEqual([
      0, 490, 490, 790, 790, 1490, 2990,
    ])
    expect([cost(1, 'JPY'), cost(1, 'KWD')]).toEqual([5, 4900])
  })
})
