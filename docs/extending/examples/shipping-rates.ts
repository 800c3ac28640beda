/** One price at home and one for the rest of the world, by the parcel's weight in whole kilograms above the first two. */
import { exponentOf } from '#contracts/money.ts'
import type { ShippingRates } from '#services/orders/pricing/shipping/shipping-rates.ts'

/** In the currency's main unit. */
const HOME = { first: 9, each: 1 }
const ABROAD = { first: 21, each: 4 }
const INCLUDED_GRAMS = 2_000

export const shippingRates: ShippingRates = {
  costOf({ weightGrams, country, currency }) {
    const { first, each } = country === 'CH' ? HOME : ABROAD
    const kilograms = Math.ceil(Math.max(0, weightGrams - INCLUDED_GRAMS) / 1_000)
    return Math.round((first + kilograms * each) * 10 ** exponentOf(currency))
  },
}
