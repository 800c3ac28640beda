/** What the use cases that change a product share. */
import type { Product } from '#contracts/http/inventory.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent } from '#platform/events/outbox.ts'
import { ProblemError } from '#platform/problem.ts'

/**
 * Locks the product for a change.
 *
 * @throws ProblemError `stale_version` when it is not the version that the client has read
 */
export async function lockProduct(
  tx: Sql,
  sku: string,
  ifMatch: number | undefined,
): Promise<{ version: number; active: boolean } | undefined> {
  const [product] = await tx.$queryRaw<{ version: number; active: boolean }[]>`
    SELECT version, active FROM products WHERE sku = ${sku} FOR NO KEY UPDATE`
  if (ifMatch !== undefined && product?.version !== ifMatch) {
    throw new ProblemError('stale_version', `The product is ${describe(product)}, not version ${ifMatch}.`)
  }
  return product
}

const describe = (product: { version: number } | undefined): string =>
  product === undefined ? 'not there' : `version ${product.version}`

/** Announces what the product is now. */
export async function appendProductChanged(tx: Sql, product: Product): Promise<void> {
  const { sku, name, price, currency, taxClass, weightGrams, active, version } = product
  await appendEvent(tx, {
    type: 'product.changed',
    aggregateId: sku,
    version,
    payload: { sku, name, price, currency, taxClass, weightGrams, active },
  })
}
