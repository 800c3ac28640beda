/** Creates a product or changes it. */
import type { Product, ProductBody } from '#contracts/http/inventory.ts'
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Finish } from '#platform/idempotency.ts'
import { ProblemError } from '#platform/problem.ts'
import { readProduct } from './find-products.ts'
import { appendProductChanged, lockProduct } from './products.ts'

export interface ProductChange {
  sku: string
  product: ProductBody
  /** The version that the client means to change. */
  ifMatch?: number | undefined
  /** Keeps the answer for a repeat of the call, in the transaction of the change. */
  finish?: Finish
}

export type PutProduct = (change: ProductChange) => Promise<{ created: boolean; product: Product }>

const CURRENCIES = new Set(Intl.supportedValuesOf('currency'))

/** What is already so is not announced again. @throws ProblemError `currency_unknown`, `stale_version` */
export const createPutProduct =
  ({ transact }: { transact: UnitOfWork<Sql> }): PutProduct =>
  async ({ sku, product, ifMatch, finish }) => {
    if (!CURRENCIES.has(product.currency)) {
      throw new ProblemError('currency_unknown', `${product.currency} is not in ISO 4217.`, {
        errors: [{ path: 'currency', message: 'is not a currency of ISO 4217' }],
      })
    }
    return transact(async (tx) => {
      if (ifMatch !== undefined) await lockProduct(tx, sku, ifMatch)
      const version = await upsert(tx, sku, product)
      const stored = await readProduct(tx, sku, true)
      if (version !== undefined) await appendProductChanged(tx, stored)
      const created = version === 1
      await finish?.(tx, { status: created ? 201 : 200, body: stored })
      return { created, product: stored }
    })
  }

/** The new version; undefined when nothing is different. */
async function upsert(
  tx: Sql,
  sku: string,
  { name, price, currency, taxClass, weightGrams, active = true }: ProductBody,
): Promise<number | undefined> {
  const [row] = await tx.$queryRaw<{ version: number }[]>`
    INSERT INTO products AS known (sku, name, price, currency, tax_class, weight_grams, active, version)
    VALUES (${sku}, ${name}, ${price}, ${currency}, ${taxClass}, ${weightGrams}, ${active}, 1)
    ON CONFLICT (sku) DO UPDATE SET
      name = EXCLUDED.name, price = EXCLUDED.price, currency = EXCLUDED.currency, tax_class = EXCLUDED.tax_class,
      weight_grams = EXCLUDED.weight_grams, active = EXCLUDED.active, version = known.version + 1, updated_at = now()
    WHERE (known.name, known.price, known.currency, known.tax_class, known.weight_grams, known.active) IS DISTINCT FROM
      (EXCLUDED.name, EXCLUDED.price, EXCLUDED.currency, EXCLUDED.tax_class, EXCLUDED.weight_grams, EXCLUDED.active)
    RETURNING version`
  return row?.version
}
