/** Prices an order from the orders service's own snapshot of the catalog; prices never come from the client. */
import type { Quote } from '#contracts/http/orders.ts'
import { MAX_AMOUNT, sum, taxOn } from '#contracts/money.ts'
import type { SkuQuantity } from '#contracts/schemas.ts'
import { ProblemError } from '#platform/problem.ts'
import type { Sql } from '#platform/database.ts'
import { isTaxClass } from './tax-class.ts'
import { shippingCost } from './shipping-cost.ts'
import { taxRate } from './tax.ts'

export interface PricedOrder extends Quote {
  /** The tax on the shipping cost; part of `tax`. */
  shippingTax: number
}

interface CatalogRow {
  sku: string
  name: string
  price: bigint
  currency: string
  tax_class: string
  weight_grams: number
  active: boolean
}

/**
 * @throws ProblemError `unknown_sku`, `product_inactive`, `currency_mismatch` or `amount_too_large`, each naming the line
 */
export async function priceOrder(
  database: Sql,
  lines: readonly SkuQuantity[],
  country: string,
): Promise<PricedOrder> {
  const skus = lines.map(({ sku }) => sku)
  const rows = await database.$queryRaw<CatalogRow[]>`
    SELECT sku, name, price, currency, tax_class, weight_grams, active FROM catalog_products WHERE sku = ANY(${skus})`
  const catalog = new Map(rows.map((row) => [row.sku, row]))
  const products = lines.map(({ sku }, index) => orderable(catalog.get(sku), index))
  const currency = oneCurrency(products)

  const priced = products.map((product, index) => {
    const quantity = lines[index]?.quantity ?? 0
    const unitPrice = Number(product.price)
    const total = unitPrice * quantity
    return {
      sku: product.sku,
      name: product.name,
      quantity,
      unitPrice,
      total,
      tax: lineTax(total, country, product),
    }
  })
  const weight = sum(products.map((product, index) => product.weight_grams * (lines[index]?.quantity ?? 0)))
  const subtotal = sum(priced.map((line) => line.total))
  const shipping = shippingCost(weight, currency)
  const shippingTax = taxOn(shipping, taxRate(country, 'standard'))
  const tax = sum(priced.map((line) => line.tax)) + shippingTax
  const total = subtotal + tax + shipping
  if (total > MAX_AMOUNT) throw tooLarge(priced)
  return { lines: priced, currency, subtotal, tax, shipping, shippingTax, total }
}

function orderable(product: CatalogRow | undefined, index: number): CatalogRow {
  const path = `lines/${index}/sku`
  if (product === undefined) {
    throw new ProblemError('unknown_sku', 'One of the products does not exist.', {
      errors: [{ path, message: 'is not a product' }],
    })
  }
  if (!product.active) {
    throw new ProblemError('product_inactive', `${product.sku} is not for sale.`, {
      errors: [{ path, message: 'is not for sale' }],
    })
  }
  return product
}

function oneCurrency(products: readonly CatalogRow[]): string {
  const [currency = 'EUR', ...others] = new Set(products.map((product) => product.currency))
  if (others.length === 0) return currency
  const index = products.findIndex((product) => product.currency !== currency)
  throw new ProblemError('currency_mismatch', 'All lines of an order must have one currency.', {
    errors: [{ path: `lines/${index}/sku`, message: `is priced in ${others[0]}, not ${currency}` }],
  })
}

/** Names the line that costs the most. */
function tooLarge(lines: readonly { total: number }[]): ProblemError {
  const index = lines.reduce((most, line, at) => (line.total > (lines[most]?.total ?? 0) ? at : most), 0)
  return new ProblemError('amount_too_large', `An order may cost ${MAX_AMOUNT} minor units at the most.`, {
    errors: [{ path: `lines/${index}/quantity`, message: 'makes the order cost too much' }],
  })
}

function lineTax(total: number, country: string, product: CatalogRow): number {
  if (!isTaxClass(product.tax_class))
    throw new Error(`${product.sku} has the unknown tax class ${product.tax_class}`)
  return taxOn(total, taxRate(country, product.tax_class))
}
