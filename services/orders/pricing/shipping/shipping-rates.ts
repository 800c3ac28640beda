/**
 * What sending an order costs: a port. Rates are one file in `rates/` that exports `shippingRates`; they are chosen by name
 * (`SHIPPING_RATES=by-weight`) and run by the suite of conformance.ts.
 *
 * Shipping is priced once, however many parcels an order becomes; a revision that sells less never raises it.
 */
export interface Consignment {
  /** Of all units together. */
  weightGrams: number
  /** ISO 3166-1 alpha-2 */
  country: string
  /** ISO 4217 */
  currency: string
}

export interface ShippingRates {
  /** Minor units of the currency, without tax. */
  costOf(consignment: Consignment): number
}
