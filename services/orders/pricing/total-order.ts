/** What lines come to, with tax and shipping. The one place where an order's money is added up and rounded. */
import type { TaxClass } from '#contracts/http/inventory.ts'
import type { Quote } from '#contracts/http/orders.ts'
import { MAX_AMOUNT, sum, taxOn } from '#contracts/money.ts'
import { ProblemError } from '#platform/problem.ts'
import type { ShippingRates } from './shipping/shipping-rates.ts'
import type { TaxPolicy } from './tax/tax-policy.ts'

/** What prices follow from beside the catalog, as the configuration chose it. */
export interface Pricing {
  tax: TaxPolicy
  shipping: ShippingRates
}

/** A line with everything that its price follows from. */
export interface SellableLine {
  sku: string
  name: string
  quantity: number
  /** Minor units, net. */
  unitPrice: number
  taxClass: TaxClass
  weightGrams: number
}

export interface PricedLine extends SellableLine {
  /** Net. */
  total: number
  tax: number
}

export interface PricedOrder {
  lines: PricedLine[]
  currency: string
  subtotal: number
  /** The lines' tax and that on the shipping cost. */
  tax: number
  shipping: number
  shippingTax: number
  total: number
}

export interface Terms {
  currency: string
  /** ISO 3166-1 alpha-2: where it is sent. */
  country: string
  /** What shipping may cost at the most, minor units; no limit unless told. */
  shippingAtMost?: number
}

/** @throws ProblemError `amount_too_large`, naming the line that costs the most */
export function totalOrder(
  lines: readonly SellableLine[],
  { currency, country, shippingAtMost = MAX_AMOUNT }: Terms,
  pricing: Pricing,
): PricedOrder {
  const priced = lines.map((line) => {
    const total = line.unitPrice * line.quantity
    return { ...line, total, tax: taxOn(total, pricing.tax.rateOf({ country, taxClass: line.taxClass })) }
  })
  const weightGrams = sum(lines.map((line) => line.weightGrams * line.quantity))
  const subtotal = sum(priced.map((line) => line.total))
  const shipping = Math.min(pricing.shipping.costOf({ weightGrams, country, currency }), shippingAtMost)
  const shippingTax = taxOn(shipping, pricing.tax.shippingRateOf(country))
  const tax = sum(priced.map((line) => line.tax)) + shippingTax
  const total = subtotal + tax + shipping
  if (total > MAX_AMOUNT) throw tooLarge(priced)
  return { lines: priced, currency, subtotal, tax, shipping, shippingTax, total }
}

/** What a customer is told of it. */
export const toQuote = ({ lines, currency, subtotal, tax, shipping, total }: PricedOrder): Quote => ({
  lines: lines.map((line) => ({
    sku: line.sku,
    name: line.name,
    quantity: line.quantity,
    unitPrice: line.unitPrice,
    total: line.total,
    tax: line.tax,
  })),
  currency,
  subtotal,
  tax,
  shipping,
  total,
})

function tooLarge(lines: readonly { total: number }[]): ProblemError {
  const index = lines.reduce((most, line, at) => (line.total > (lines[most]?.total ?? 0) ? at : most), 0)
  return new ProblemError('amount_too_large', `An order may cost ${MAX_AMOUNT} minor units at the most.`, {
    errors: [{ path: `lines/${index}/quantity`, message: 'makes the order cost too much' }],
  })
}
