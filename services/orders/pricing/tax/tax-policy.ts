/**
 * The tax on what is sold: a port. A policy is one file in `policies/` that exports `taxPolicy`; it is chosen by its name
 * (`TAX_POLICY=country-table`) and run by the suite of conformance.ts.
 *
 * A policy says rates, not amounts. The rounding is the platform's: half up to the minor unit, per line and for shipping,
 * so that lines add up to the order whatever the policy.
 */
import type { TaxClass } from '#contracts/http/inventory.ts'

export interface TaxPolicy {
  /** Of goods of this class that are sent to this country (ISO 3166-1 alpha-2): basis points, 2100 for 21 %. */
  rateOf(goods: { country: string; taxClass: TaxClass }): number
  /** Of sending them there. */
  shippingRateOf(country: string): number
}
