/** What lines come to: tax per line, the shipping cost by weight. The one place where an order's money is added up. */
import type { TaxClass } from '#contracts/http/inventory.ts'
import type { Quote } from '#contracts/http/orders.ts'
import { MAX_AMOUNT, sum, taxOn } from '#contracts/money.ts'
import { ProblemError } from '#platform/problem.ts'
import { shippingCost } from './shipping-cost.ts'
import { taxRate } from './tax.ts'

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
): PricedOrder {
  const priced = lines.map((line) => {
    const total = line.unitPrice * line.quantity
    return { ...line, total, tax: taxOn(total, taxRate(country, line.taxClass)) }
  })
  const weight = sum(lines.map(({ weightGrams, quantity }) => weightGrams * quantity))
  const subtotal = sum(priced.map((line) => line.total))
  const shipping = Math.min(shippingCost(weight, currency), shippingAtMost)
  const shippingTax = taxOn(shipping, taxRate(country, 'standard'))
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
