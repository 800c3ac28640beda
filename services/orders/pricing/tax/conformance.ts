/** What every tax policy must do: each one's test runs this, with countries at random. */
import type * as fastCheck from 'fast-check'
import type * as vitest from 'vitest'
import type { TaxClass } from '#contracts/http/inventory.ts'
import type { TaxPolicy } from './tax-policy.ts'

interface Tools extends Pick<typeof vitest, 'describe' | 'it' | 'expect'> {
  fc: typeof fastCheck
}

const TAX_CLASSES: readonly TaxClass[] = ['standard', 'reduced', 'zero']
/** Basis points: nothing is taxed at more than its price. */
const HIGHEST_RATE = 10_000

/**
 * Declares the tests.
 *
 * @example describeTaxPolicy({ describe, it, expect, fc }, 'flat', taxPolicy)
 */
export function describeTaxPolicy(
  { describe, it, expect, fc }: Tools,
  name: string,
  policy: TaxPolicy,
): void {
  const letter = fc.integer({ min: 0, max: 25 }).map((index) => String.fromCodePoint(65 + index))
  const countries = fc
    .tuple(letter, letter)
    .map((letters) => letters.join(''))
    .chain((any) => fc.constantFrom(any, 'NL', 'SI', 'US', 'JP'))
  const isRate = (rate: number) => Number.isInteger(rate) && rate >= 0 && rate <= HIGHEST_RATE

  describe(`the tax policy ${name}`, () => {
    it('has a rate in basis points for every class wherever it is sent, known country or not', () => {
      fc.assert(
        fc.property(countries, fc.constantFrom(...TAX_CLASSES), (country, taxClass) => {
          expect(policy.rateOf({ country, taxClass })).toSatisfy(isRate)
        }),
      )
    })

    it('has one for shipping', () => {
      fc.assert(
        fc.property(countries, (country) => {
          expect(policy.shippingRateOf(country)).toSatisfy(isRate)
        }),
      )
    })

    it('says the same again: an order keeps its prices', () => {
      fc.assert(
        fc.property(countries, fc.constantFrom(...TAX_CLASSES), (country, taxClass) => {
          const first = [policy.rateOf({ country, taxClass }), policy.shippingRateOf(country)]
          expect([policy.rateOf({ country, taxClass }), policy.shippingRateOf(country)]).toEqual(first)
        }),
      )
    })
  })
}
