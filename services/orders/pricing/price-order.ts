/** Prices an order from the orders service's own snapshot of the catalog; prices never come from the client. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { oneCurrency, orderable, readCatalog, type CatalogProduct } from './catalog.ts'
import { totalOrder, type PricedOrder, type Pricing, type SellableLine } from './total-order.ts'

/**
 * @throws ProblemError `unknown_sku`, `product_inactive`, `currency_mismatch` or `amount_too_large`, each naming the line
 */
export async function priceOrder(
  database: Sql,
  { lines, country, pricing }: { lines: readonly SkuQuantity[]; country: string; pricing: Pricing },
): Promise<PricedOrder> {
  const catalog = await readCatalog(
    database,
    lines.map(({ sku }) => sku),
  )
  const products = lines.map(({ sku }, index) => orderable(catalog.get(sku), index))
  const currency = oneCurrency(products)
  const sellable = products.map((product, index) => sell(product, lines[index]?.quantity ?? 0))
  return totalOrder(sellable, { currency, country }, pricing)
}

/** So many units at today's price. */
export const sell = (product: CatalogProduct, quantity: number): SellableLine => ({
  sku: product.sku,
  name: product.name,
  quantity,
  unitPrice: product.price,
  taxClass: product.taxClass,
  weightGrams: product.weightGrams,
})
