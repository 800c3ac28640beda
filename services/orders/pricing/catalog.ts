/** The orders service's own snapshot of the catalog: what may be sold, and at what price. */
import type { TaxClass } from '#contracts/http/inventory.ts'
import type { Sql } from '#platform/database.ts'
import { ProblemError } from '#platform/problem.ts'
import { isTaxClass } from './tax-class.ts'

export interface CatalogProduct {
  sku: string
  name: string
  /** Minor units, net. */
  price: number
  currency: string
  taxClass: TaxClass
  weightGrams: number
  active: boolean
}

interface Row {
  sku: string
  name: string
  price: bigint
  currency: string
  tax_class: string
  weight_grams: number
  active: boolean
}

/** These products, by SKU; those that are not known are missing. */
export async function readCatalog(
  database: Sql,
  skus: readonly string[],
): Promise<Map<string, CatalogProduct>> {
  const rows = await database.$queryRaw<Row[]>`
    SELECT sku, name, price, currency, tax_class, weight_grams, active FROM catalog_products WHERE sku = ANY(${skus})`
  return new Map(rows.map((row) => [row.sku, toProduct(row)]))
}

function toProduct({ tax_class: taxClass, weight_grams: weightGrams, price, ...row }: Row): CatalogProduct {
  if (!isTaxClass(taxClass)) throw new Error(`${row.sku} has the unknown tax class ${taxClass}`)
  return { ...row, price: Number(price), taxClass, weightGrams }
}

/**
 * The product of the line with this index, if it is for sale.
 *
 * @throws ProblemError `unknown_sku` or `product_inactive`, naming the line
 */
export function orderable(product: CatalogProduct | undefined, index: number): CatalogProduct {
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

/** @throws ProblemError `currency_mismatch`, naming the first line with another currency than the first one's */
export function oneCurrency(lines: readonly { currency: string }[]): string {
  const [currency = 'EUR', ...others] = new Set(lines.map((line) => line.currency))
  if (others.length === 0) return currency
  const index = lines.findIndex((line) => line.currency !== currency)
  throw new ProblemError('currency_mismatch', 'All lines of an order must have one currency.', {
    errors: [{ path: `lines/${index}/sku`, message: `is priced in ${others[0]}, not ${currency}` }],
  })
}
