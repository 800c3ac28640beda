import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeTaxPolicy } from '#services/orders/pricing/tax/conformance.ts'
import { totalOrder } from '#services/orders/pricing/total-order.ts'
import { shippingRates } from './shipping-rates.ts'
import { taxPolicy } from './tax.ts'

describeTaxPolicy({ describe, it, expect, fc }, 'swiss', taxPolicy)

describe('an order of the Swiss shop', () => {
  const book = { sku: 'BOOK', name: 'A book', unitPrice: 3_333, weightGrams: 400 }
  const lines = [{ ...book, quantity: 3, taxClass: 'reduced' as const }]
  const pricing = { tax: taxPolicy, shipping: shippingRates }

  it('is taxed at home', () => {
    expect(totalOrder(lines, { currency: 'CHF', country: 'CH' }, pricing)).toMatchObject({
      subtotal: 9_999,
      tax: 260 + 73, // 259.974 and 72.9
      shipping: 900,
      total: 9_999 + 260 + 73 + 900,
    })
  })

  it('is not taxed abroad', () => {
    expect(totalOrder(lines, { currency: 'CHF', country: 'DE' }, pricing)).toMatchObject({
      tax: 0,
      shipping: 2_100,
      total: 9_999 + 2_100,
    })
  })
})
