/** Tax rates by country of delivery and tax class, in basis points. A simple default table, not tax advice. */
import type { TaxClass } from '#contracts/http/inventory.ts'
import type { TaxPolicy } from '../tax-policy.ts'

type Rates = Readonly<Record<TaxClass, number>>

const UNTAXED: Rates = { standard: 0, reduced: 0, zero: 0 }

/** Source: the European Commission's table of VAT rates, 2026; elsewhere the seller collects nothing. */
const RATES: Readonly<Record<string, Rates>> = {
  AT: { standard: 2000, reduced: 1000, zero: 0 },
  BE: { standard: 2100, reduced: 600, zero: 0 },
  DE: { standard: 1900, reduced: 700, zero: 0 },
  ES: { standard: 2100, reduced: 1000, zero: 0 },
  FR: { standard: 2000, reduced: 550, zero: 0 },
  HR: { standard: 2500, reduced: 1300, zero: 0 },
  IT: { standard: 2200, reduced: 1000, zero: 0 },
  NL: { standard: 2100, reduced: 900, zero: 0 },
  SI: { standard: 2200, reduced: 950, zero: 0 },
}

export const taxPolicy: TaxPolicy = {
  rateOf: ({ country, taxClass }) => (RATES[country] ?? UNTAXED)[taxClass],
  shippingRateOf: (country) => (RATES[country] ?? UNTAXED).standard,
}
