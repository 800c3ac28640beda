/** Takes a product off sale. It stays: old orders name it, and its stock is still there. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Finish } from '#platform/idempotency.ts'
import { notFound } from '#platform/problem.ts'
import { readProduct } from './find-products.ts'
import { appendProductChanged, lockProduct } from './products.ts'

export interface ProductRemoval {
  sku: string
  /** The version that the client means to take off sale. */
  ifMatch?: number | undefined
  /** Keeps the answer for a repeat of the call, in the transaction of the change. */
  finish?: Finish
}

export type RemoveProduct = (removal: ProductRemoval) => Promise<void>

/** @throws ProblemError `not_found`, `stale_version` */
export const createRemoveProduct =
  ({ transact }: { transact: UnitOfWork<Sql> }): RemoveProduct =>
  ({ sku, ifMatch, finish }) =>
    transact(async (tx) => {
      const product = await lockProduct(tx, sku, ifMatch)
      if (product === undefined) throw notFound('product')
      if (product.active) {
        await tx.$executeRaw`
          UPDATE products SET active = false, version = version + 1, updated_at = now() WHERE sku = ${sku}`
        await appendProductChanged(tx, await readProduct(tx, sku, true))
      }
      await finish?.(tx, { status: 204, body: null })
    })
