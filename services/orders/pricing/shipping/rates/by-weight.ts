/** A tariff by weight, the same for every country; what weighs nothing costs nothing to send. */
import { exponentOf } from '#contracts/money.ts'
import type { ShippingRates } from '../shipping-rates.ts'

/** Up to this many grams it costs this much, in hundredths of the currency's main unit. */
const TARIFF = [
  { upToGrams: 1_000, cost: 490 },
  { upToGrams: 5_000, cost: 790 },
  { upToGrams: 20_000, cost: 1490 },
  { upToGrams: Number.POSITIVE_INFINITY, cost: 2990 },
] as const

export const shippingRates: ShippingRates = {
  costOf({ weightGrams, currency }) {
    if (weightGrams === 0) return 0
    const tariff = TARIFF.find(({ upToGrams }) => weightGrams <= upToGrams)
    return Math.round((tariff?.cost ?? 0) * 10 ** (exponentOf(currency) - 2))
  },
}
