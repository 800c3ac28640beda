/** What customers get back for goods that were returned or lost: pure arithmetic on what was sold. */
import { shareOf, sum } from '#contracts/money.ts'
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { OrderTerms } from '#contracts/workflows.ts'
import { countUnits, handOut } from '../units.ts'

/** Minor units. */
export interface GivenBack {
  /** Net and tax. */
  goods: number
  shipping: number
}

export interface GiveBack {
  sold: OrderTerms
  /** What is given back otherwise: of returns that were agreed to, of lost parcels. */
  before: readonly (GivenBack & { lines: readonly SkuQuantity[] })[]
  lines: readonly SkuQuantity[]
  /** Whether the customer keeps nothing then: only then the shipping cost goes back too. */
  nothingKept: boolean
}

/**
 * Units are counted in the order of the lines, whichever parcel they came in: however an order comes back, piece by piece,
 * the pieces sum to what it cost.
 */
export function giveBack({ sold, before, lines, nothingKept }: GiveBack): GivenBack {
  const shipping = nothingKept ? sold.shipping + sold.shippingTax : 0
  return {
    goods: goodsBack({ sold: sold.lines, before, lines }),
    shipping: Math.max(0, shipping - sum(before.map((given) => given.shipping))),
  }
}

export interface GoodsBack {
  sold: OrderTerms['lines']
  before: readonly { goods: number; lines: readonly SkuQuantity[] }[]
  lines: readonly SkuQuantity[]
}

/** What these lines give back, without shipping. */
export function goodsBack({ sold, before, lines }: GoodsBack): number {
  const after = goodsOf(sold, [...before.flatMap((given) => given.lines), ...lines])
  return Math.max(0, after - sum(before.map((given) => given.goods)))
}

/** What these units cost with tax. */
function goodsOf(lines: OrderTerms['lines'], units: readonly SkuQuantity[]): number {
  const counted = handOut(lines, countUnits(units))
  return sum(
    lines.map(({ total, tax, quantity }, index) => {
      const upTo = counted[index] ?? 0
      return shareOf(total, quantity, 0, upTo) + shareOf(tax, quantity, 0, upTo)
    }),
  )
}
