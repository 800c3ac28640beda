/** The HTTP door of the orders service. */
import * as http from '#contracts/http/orders.ts'
import type { Order } from '#contracts/http/orders.ts'
import { seesEverything } from '#platform/http/access.ts'
import { addRoute, type AnyCall } from '#platform/http/contract.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { once, updateIdOf, type Command } from '#platform/idempotency.ts'
import { notFound } from '#platform/problem.ts'
import type { Caller, CallerVerifier } from '#platform/service-token.ts'
import type { Logger } from '#platform/logger.ts'
import type { createCommandOrder } from './command-order.ts'
import type { createListAttention } from './list-attention.ts'
import type { createListOrders } from './list-orders.ts'
import type { createPlaceOrder } from './place-order.ts'
import { priceOrder } from './pricing/price-order.ts'
import type { createReadTimeline } from './read-timeline.ts'
import type { StartOrder } from './start-workflows.ts'
import { findOrder, type OrdersDatabase, type OwnerFilter } from './store.ts'

export interface OrderUseCases {
  database: OrdersDatabase
  placeOrder: ReturnType<typeof createPlaceOrder>
  startOrder: StartOrder
  listOrders: ReturnType<typeof createListOrders>
  readTimeline: ReturnType<typeof createReadTimeline>
  listAttention: ReturnType<typeof createListAttention>
  commandOrder: ReturnType<typeof createCommandOrder>
  logger: Logger
}

export function registerRoutes(app: HttpServer, verifyCaller: CallerVerifier, use: OrderUseCases): void {
  addRoute(app, verifyCaller, http.placeOrder, async (call) => {
    const { replayed, body: stored } = await once(
      use.database,
      commandOf('POST', http.placeOrder.url, call),
      async (finish) => {
        const { caller, body: order, request } = call
        const placed = await use.placeOrder({
          customerId: caller.subject,
          body: order,
          requestId: request.id,
          finish,
        })
        // not awaited: the answer does not wait for Temporal, and the relay starts what fails here
        use
          .startOrder(placed.id)
          .catch((error: unknown) =>
            use.logger.warn({ err: error, orderId: placed.id }, 'the workflow is started later'),
          )
        return { status: 201, body: placed }
      },
    )
    return { status: 201, body: stored, headers: headersOf(stored, { replayed, location: true }) }
  })

  addRoute(app, verifyCaller, http.quoteOrder, async ({ body }) => {
    const { shippingTax: _included, ...quote } = await priceOrder(
      use.database,
      body.lines,
      body.shippingAddress.country,
    )
    return { status: 200, body: quote }
  })

  addRoute(app, verifyCaller, http.listOrders, async ({ query, caller }) => ({
    status: 200,
    body: await use.listOrders(query, ownerOf(caller)),
  }))

  addRoute(app, verifyCaller, http.readOrder, async ({ params, caller }) => {
    const order = await findOrder(use.database, params.id, ownerOf(caller))
    if (order === undefined) throw notFound('order')
    return { status: 200, body: order, headers: headersOf(order) }
  })

  addRoute(app, verifyCaller, http.readTimeline, async ({ params, query, caller }) => ({
    status: 200,
    body: await use.readTimeline({
      orderId: params.id,
      owner: ownerOf(caller),
      limit: query.limit ?? 20,
      cursor: query.cursor,
    }),
  }))

  addRoute(app, verifyCaller, http.cancelOrder, async (call) => {
    const { params, caller, body } = call
    const argument = { by: caller.subject, reason: body.reason ?? null }
    return accepted(call, http.cancelOrder.url, (updateId) =>
      use.commandOrder({
        orderId: params.id,
        owner: ownerOf(caller),
        ifMatch: call.ifMatch,
        command: { name: 'cancel', argument },
        updateId,
      }),
    )
  })

  addRoute(app, verifyCaller, http.operateOrder, async (call) => {
    const { params, caller, body } = call
    const argument = { ...body, by: caller.subject }
    return accepted(call, http.operateOrder.url, (updateId) =>
      use.commandOrder({
        orderId: params.id,
        owner: ownerOf(caller),
        ifMatch: call.ifMatch,
        command: { name: 'operate', argument },
        updateId,
      }),
    )
  })

  addRoute(app, verifyCaller, http.listAttention, async ({ query }) => ({
    status: 200,
    body: await use.listAttention(query.limit ?? 20, query.cursor),
  }))

  /**
   * A command that the workflow takes over. Its key, if it has one, is finished after the workflow accepted it: should
   * the process end in between, the same update id makes the repeat harmless.
   */
  async function accepted(
    call: AnyCall,
    route: string,
    run: (updateId: string) => Promise<Order>,
  ): Promise<{ status: 202; body: Order; headers: Record<string, string> }> {
    const { idempotencyKey } = call
    if (idempotencyKey === undefined) {
      // the request id may be the client's: hashed with caller and route it meets nobody else's
      const order = await run(updateIdOf({ ...commandOf('POST', route, call), key: call.request.id }))
      return { status: 202, body: order, headers: headersOf(order) }
    }
    const command = commandOf('POST', route, call)
    const { replayed, body: stored } = await once(use.database, command, async (finish) => {
      const order = await run(updateIdOf(command))
      await finish(use.database, { status: 202, body: order })
      return { status: 202, body: order }
    })
    return { status: 202, body: stored, headers: headersOf(stored, { replayed }) }
  }
}

/** Customers know of their own orders only. */
const ownerOf = (caller: Caller): OwnerFilter => (seesEverything(caller) ? null : caller.subject)

const commandOf = (method: string, route: string, call: AnyCall): Command => ({
  caller: call.caller.subject,
  key: call.idempotencyKey ?? '',
  method,
  route: route.includes(':') ? call.path : route,
  body: call.body,
})

const headersOf = (
  order: Order,
  { replayed = false, location = false }: { replayed?: boolean; location?: boolean } = {},
): Record<string, string> => ({
  etag: `"${order.version}"`,
  ...(location ? { location: `/api/v1/orders/${order.id}` } : {}),
  ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
})
