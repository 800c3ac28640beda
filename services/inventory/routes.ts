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
import type { Sql } from '#platform/database.ts'
import { addRoute } from '#platform/http/contract.ts'
import { commandOf, oncePerKey, replayHeaders } from '#platform/http/once-per-key.ts'
import type { HttpServer } from '#platform/http/server.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { AdjustStock } from './adjust-stock.ts'
import type { FindProducts } from './find-products.ts'
import type { PutProduct } from './put-product.ts'
import type { ReadStock } from './read-stock.ts'
import type { RemoveProduct } from './remove-product.ts'

export interface InventoryUseCases {
  database: Sql
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

  addRoute(app, verifyCaller, putProduct, async (call) => {
    const { params, body: wanted, ifMatch } = call
    const { status, body, replayed } = await oncePerKey(
      useCases.database,
      putProduct,
      call,
      async (finish) => {
        const change = { sku: params.sku, product: wanted, ifMatch, finish }
        const { created, product } = await useCases.putProduct(change)
        return { status: created ? 201 : 200, body: product }
      },
    )
    const headers = { etag: etagOf(body), ...replayHeaders(replayed) }
    return { status: status === 201 ? 201 : 200, body, headers }
  })

  addRoute(app, verifyCaller, removeProduct, async (call) => {
    const { params, ifMatch } = call
    const { replayed } = await oncePerKey(useCases.database, removeProduct, call, async (finish) => {
      await useCases.removeProduct({ sku: params.sku, ifMatch, finish })
      return { status: 204, body: null }
    })
    return { status: 204, body: null, headers: replayHeaders(replayed) }
  })

  addRoute(app, verifyCaller, listWarehouses, async () => ({
    status: 200,
    body: { data: await useCases.readStock.warehouses(), nextCursor: null },
  }))

  addRoute(app, verifyCaller, readStock, async ({ params }) => ({
    status: 200,
    body: await useCases.readStock.ofProduct(params.sku),
  }))

  addRoute(app, verifyCaller, adjustStock, async (call) => {
    const { adjustment, replayed } = await useCases.adjustStock(
      { sku: call.params.sku, ...call.body },
      commandOf(adjustStock, call),
    )
    return { status: 201, body: adjustment, headers: replayHeaders(replayed) }
  })
}

const etagOf = ({ version }: { version: number }): string => `"${version}"`
