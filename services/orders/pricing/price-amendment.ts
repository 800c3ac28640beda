/** Prices a changed order: what was ordered keeps its price, what is new has today's. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import { ProblemError } from '#platform/problem.ts'
import type { Sql } from '#platform/database.ts'
import { orderable, readCatalog } from './catalog.ts'
import { sell } from './price-order.ts'
import { totalOrder, type PricedOrder, type Pricing, type SellableLine } from './total-order.ts'

export interface AmendedOrder {
  /** The order's lines as they are. */
  known: readonly SellableLine[]
  /** Those it is to have. */
  wanted: readonly SkuQuantity[]
  currency: string
  country: string
  pricing: Pricing
}

/**
 * @throws ProblemError `unknown_sku`, `product_inactive` (also for more units of one that is not for sale any more),
 *   `currency_mismatch` or `amount_too_large`, each naming the line
 */
export async function priceAmendment(
  database: Sql,
  { known, wanted, currency, country, pricing }: AmendedOrder,
): Promise<PricedOrder> {
  const catalog = await readCatalog(
    database,
    wanted.map(({ sku }) => sku),
  )
  const sold = new Map(known.map((line) => [line.sku, line]))
  const lines = wanted.map(({ sku, quantity }, index) => {
    const line = sold.get(sku)
    if (line !== undefined) {
      if (units(wanted, sku) > units(known, sku)) orderable(catalog.get(sku), index)
      return { ...line, quantity }
    }
    const product = orderable(catalog.get(sku), index)
    if (product.currency !== currency) {
      throw new ProblemError('currency_mismatch', 'All lines of an order must have one currency.', {
        errors: [
          { path: `lines/${index}/sku`, message: `is priced in ${product.currency}, not ${currency}` },
        ],
      })
    }
    return sell(product, quantity)
  })
  return totalOrder(lines, { currency, country }, pricing)
}

const units = (lines: readonly SkuQuantity[], sku: string): number =>
  lines.reduce((sum, line) => (line.sku === sku ? sum + line.quantity : sum), 0)
