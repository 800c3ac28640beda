/** What all shipping rates must do: each one's test runs this, with consignments at random. */
import type * as fastCheck from 'fast-check'
import type * as vitest from 'vitest'
import type { ShippingRates } from './shipping-rates.ts'

interface Tools extends Pick<typeof vitest, 'describe' | 'it' | 'expect'> {
  fc: typeof fastCheck
}

/** Fifty lines of ten thousand units of the heaviest product. */
const HEAVIEST_GRAMS = 50 * 10_000 * 1_000_000

/**
 * Declares the tests.
 *
 * @example describeShippingRates({ describe, it, expect, fc }, 'flat', shippingRates)
 */
export function describeShippingRates(
  { describe, it, expect, fc }: Tools,
  name: string,
  rates: ShippingRates,
): void {
  const consignments = fc.record({
    weightGrams: fc.oneof(fc.nat({ max: 30_000 }), fc.integer({ min: 0, max: HEAVIEST_GRAMS })),
    country: fc.constantFrom('NL', 'SI', 'US', 'JP', 'ZZ'),
    currency: fc.constantFrom('EUR', 'USD', 'JPY', 'KWD', 'CLF'),
  })

  describe(`the shipping rates ${name}`, () => {
    it('are whole minor units, also for more than anybody can send', () => {
      fc.assert(
        fc.property(consignments, (consignment) => {
          const cost = rates.costOf(consignment)
          expect(Number.isSafeInteger(cost)).toBe(true)
          expect(cost).toBeGreaterThanOrEqual(0)
        }),
      )
    })

    it('say the same again, and leave the question alone', () => {
      fc.assert(
        fc.property(consignments, (consignment) => {
          const asked = Object.freeze({ ...consignment })
          expect(rates.costOf(asked)).toBe(rates.costOf(consignment))
        }),
      )
    })

    it('never cost less for more', () => {
      fc.assert(
        fc.property(consignments, fc.nat({ max: 10_000 }), (consignment, more) => {
          const heavier = { ...consignment, weightGrams: consignment.weightGrams + more }
          expect(rates.costOf(heavier)).toBeGreaterThanOrEqual(rates.costOf(consignment))
        }),
      )
    })
  })
}
