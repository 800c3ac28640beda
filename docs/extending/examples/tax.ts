/** A Swiss shop: value added tax at home, none on what is exported. Rates of 2026, in basis points. */
import type { TaxPolicy } from '#services/orders/pricing/tax/tax-policy.ts'

const HOME = 'CH'
const RATES = { standard: 810, reduced: 260, zero: 0 } as const

export const taxPolicy: TaxPolicy = {
  rateOf: ({ country, taxClass }) => (country === HOME ? RATES[taxClass] : 0),
  shippingRateOf: (country) => (country === HOME ? RATES.standard : 0),
}
