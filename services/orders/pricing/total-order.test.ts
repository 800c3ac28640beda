import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_AMOUNT, sum } from '#contracts/money.ts'
import { ProblemError } from '#platform/problem.ts'
import { totalOrder, type Pricing, type SellableLine } from './total-order.ts'

const line: fc.Arbitrary<SellableLine> = fc.record({
  sku: fc.constantFrom('A', 'B', 'C', 'D'),
  name: fc.constant('A thing'),
  quantity: fc.integer({ min: 1, max: 10_000 }),
  unitPrice: fc.integer({ min: 0, max: 100_000 }),
  taxClass: fc.constantFrom('standard', 'reduced', 'zero'),
  weightGrams: fc.nat({ max: 10_000 }),
})
const lines = fc.array(line, { minLength: 1, maxLength: 8 })
const rate = fc.integer({ min: 0, max: 10_000 })

/** Any policy and rates that the conformance suites let pass. */
const pricing: fc.Arbitrary<Pricing> = fc
  .record({ standard: rate, reduced: rate, zero: fc.constant(0), shipping: rate, perKilogram: fc.nat(5_000) })
  .map(({ shipping, perKilogram, ...rates }) => ({
    tax: { rateOf: ({ taxClass }) => rates[taxClass], shippingRateOf: () => shipping },
    shipping: { costOf: ({ weightGrams }) => Math.ceil(weightGrams / 1_000) * perKilogram },
  }))

const TERMS = { currency: 'EUR', country: 'NL' }

describe('totalOrder', () => {
  it('adds up: lines to the subtotal, taxes to the tax, all of it to the total', () => {
    fc.assert(
      fc.property(lines, pricing, (sold, chosen) => {
        const order = totalOrder(sold, TERMS, chosen)
        expect(order.lines.map(({ total }) => total)).toEqual(
          sold.map(({ unitPrice, quantity }) => unitPrice * quantity),
        )
        expect(order.subtotal).toBe(sum(order.lines.map(({ total }) => total)))
        expect(order.tax).toBe(sum(order.lines.map(({ tax }) => tax)) + order.shippingTax)
        expect(order.total).toBe(order.subtotal + order.tax + order.shipping)
      }),
    )
  })

  it('rounds the tax of each line, and of shipping, half up to the minor unit', () => {
    const isHalfUp = (tax: number, net: number, basisPoints: number) => {
      const missing = BigInt(tax) * 10_000n - BigInt(net) * BigInt(basisPoints)
      return missing > -5_000n && missing <= 5_000n
    }
    fc.assert(
      fc.property(lines, pricing, (sold, chosen) => {
        const order = totalOrder(sold, TERMS, chosen)
        for (const { total, tax, taxClass } of order.lines) {
          expect(isHalfUp(tax, total, chosen.tax.rateOf({ country: 'NL', taxClass }))).toBe(true)
        }
        const shippingRate = chosen.tax.shippingRateOf('NL')
        expect(isHalfUp(order.shippingTax, order.shipping, shippingRate)).toBe(true)
      }),
    )
    const half = { tax: { rateOf: () => 5_000, shippingRateOf: () => 0 }, shipping: { costOf: () => 0 } }
    const penny = { sku: 'A', name: 'A', quantity: 1, taxClass: 'standard' as const, weightGrams: 0 }
    expect(totalOrder([{ ...penny, unitPrice: 1 }], TERMS, half).tax).toBe(1)
    expect(totalOrder([{ ...penny, unitPrice: 3 }], TERMS, half).tax).toBe(2)
  })

  it('never costs more when less is sold at the same terms', () => {
    fc.assert(
      fc.property(lines, pricing, fc.array(fc.nat({ max: 10_000 })), (sold, chosen, missing) => {
        const order = totalOrder(sold, TERMS, chosen)
        const less = sold
          .map((part, index) => ({ ...part, quantity: part.quantity - (missing[index] ?? 0) }))
          .filter(({ quantity }) => quantity > 0)
        const revised = totalOrder(less, { ...TERMS, shippingAtMost: order.shipping }, chosen)
        expect(revised.total).toBeLessThanOrEqual(order.total)
        expect(revised.shipping).toBeLessThanOrEqual(order.shipping)
      }),
    )
  })

  it('takes no order that costs more than the platform can hold, however the sum comes about', () => {
    const dear = { sku: 'A', name: 'A', quantity: 1, taxClass: 'zero' as const, weightGrams: 1 }
    const free = { tax: { rateOf: () => 0, shippingRateOf: () => 0 }, shipping: { costOf: () => 1 } }
    expect(totalOrder([{ ...dear, unitPrice: MAX_AMOUNT - 1 }], TERMS, free).total).toBe(MAX_AMOUNT)
    expect(() => totalOrder([{ ...dear, unitPrice: MAX_AMOUNT }], TERMS, free)).toThrow(ProblemError)
  })
})
