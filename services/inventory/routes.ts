/** The inventory service's HTTP door. */
import {
  adjustStock,
  listProducts,
  listWarehouses,
  putProduct,
  readProduct,
  readStock,
  removeProduct,
} from '#contracts/http/inventory.ts'
import { seesEverything } from '#platform/http/access.ts'
import { addRoute } from '#platform/http/contract.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { ProblemError } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { AdjustStock } from './adjust-stock.ts'
import type { FindProducts } from './find-products.ts'
import type { PutProduct } from './put-product.ts'
import type { ReadStock } from './read-stock.ts'
import type { RemoveProduct } from './remove-product.ts'

export interface InventoryUseCases {
  findProducts: FindProducts
  putProduct: PutProduct
  removeProduct: RemoveProduct
  readStock: ReadStock
  adjustStock: AdjustStock
}

const DEFAULT_LIMIT = 20

export function addInventoryRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  useCases: InventoryUseCases,
): void {
  addRoute(app, verifyCaller, listProducts, async ({ query, caller }) => {
    const { limit = DEFAULT_LIMIT, ...search } = query
    return {
      status: 200,
      body: await useCases.findProducts.list({ ...search, limit, all: seesEverything(caller) }),
    }
  })

  addRoute(app, verifyCaller, readProduct, async ({ params, caller }) => {
    const product = await useCases.findProducts.read(params.sku, seesEverything(caller))
    return { status: 200, body: product, headers: { etag: etagOf(product) } }
  })

  addRoute(app, verifyCaller, putProduct, async ({ params, body, ifMatch }) => {
    const { created, product } = await useCases.putProduct({ sku: params.sku, product: body, ifMatch })
    return { status: created ? 201 : 200, body: product, headers: { etag: etagOf(product) } }
  })

  addRoute(app, verifyCaller, removeProduct, async ({ params, ifMatch }) => {
    await useCases.removeProduct({ sku: params.sku, ifMatch })
    return { status: 204, body: null }
  })

  addRoute(app, verifyCaller, listWarehouses, async () => ({
    status: 200,
    body: { data: await useCases.readStock.warehouses(), nextCursor: null },
  }))

  addRoute(app, verifyCaller, readStock, async ({ params }) => ({
    status: 200,
    body: await useCases.readStock.ofProduct(params.sku),
  }))

  addRoute(app, verifyCaller, adjustStock, async ({ params, body, caller, idempotencyKey: key, path }) => {
    if (key === undefined) throw new ProblemError('idempotency_key_missing', 'An adjustment needs a key.')
    const { adjustment, replayed } = await useCases.adjustStock(
      { sku: params.sku, ...body },
      { caller: caller.subject, key, method: 'POST', route: path, body },
    )
    return {
      status: 201,
      body: adjustment,
      ...(replayed ? { headers: { 'idempotency-replayed': 'true' } } : {}),
    }
  })
}

const etagOf = ({ version }: { version: number }): string => `"${version}"`
