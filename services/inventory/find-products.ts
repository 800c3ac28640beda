/** Products with how many of each can be ordered now. */
import Type from 'typebox'
import type { Product, TaxClass } from '#contracts/http/inventory.ts'
import { Sku } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { decodeCursor, toPage } from '#platform/keyset.ts'
import { notFound } from '#platform/problem.ts'

export interface ProductSearch {
  limit: number
  cursor?: string
  /** Part of a name or SKU. */
  q?: string
  /** Also those that are not for sale. */
  all: boolean
}

export interface FindProducts {
  list(search: ProductSearch): Promise<{ data: Product[]; nextCursor: string | null }>
  /** @throws ProblemError `not_found` */
  read(sku: string, all: boolean): Promise<Product>
}

export const createFindProducts = (database: Sql): FindProducts => ({
  async list({ limit, cursor, q, all }) {
    const [after] = decodeCursor(Cursor, cursor) ?? []
    const pattern = q === undefined ? null : `%${escapeWildcards(q)}%`
    const rows = await select(database, { all, after: after ?? null, pattern, limit: limit + 1 })
    return toPage(rows, limit, ({ sku }) => [sku])
  },
  read: (sku, all) => readProduct(database, sku, all),
})

const Cursor = Type.Tuple([Sku], { additionalItems: false, minItems: 1 })

export async function readProduct(sql: Sql, sku: string, all: boolean): Promise<Product> {
  const [product] = await select(sql, { all, sku, limit: 1 })
  if (product === undefined) throw notFound('product')
  return product
}

/** `%`, `_` and the escape character itself stand for themselves. */
export const escapeWildcards = (text: string): string => text.replace(/[\\%_]/g, String.raw`\$&`)

interface ProductRow {
  sku: string
  name: string
  price: bigint
  currency: string
  taxClass: TaxClass
  weightGrams: number
  active: boolean
  available: number
  version: number
  updatedAt: Date
}

interface Selection {
  all: boolean
  sku?: string | null
  after?: string | null
  pattern?: string | null
  limit: number
}

async function select(
  sql: Sql,
  { all, sku = null, after = null, pattern = null, limit }: Selection,
): Promise<Product[]> {
  const rows = await sql.$queryRaw<ProductRow[]>`
    SELECT sku, name, price, currency, tax_class AS "taxClass", weight_grams AS "weightGrams", active, version,
      updated_at AS "updatedAt",
      (SELECT coalesce(sum(on_hand - held - committed), 0)::int FROM stock WHERE stock.sku = products.sku) AS available
    FROM products
    WHERE (active OR ${all}) AND (${sku}::text IS NULL OR sku = ${sku}) AND (${after}::text IS NULL OR sku > ${after})
      AND (${pattern}::text IS NULL OR name ILIKE ${pattern} OR sku ILIKE ${pattern})
    ORDER BY sku LIMIT ${limit}`
  return rows.map(({ price, updatedAt, ...row }) => ({
    ...row,
    price: Number(price),
    updatedAt: updatedAt.toISOString(),
  }))
}
