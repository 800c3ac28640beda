/** The HTTP door of the orders service. */
import { listAttention } from '#contracts/http/operations.ts'
import * as http from '#contracts/http/orders.ts'
import { addRoute } from '#platform/http/contract.ts'
import { commandOf } from '#platform/http/once-per-key.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { once } from '#platform/idempotency.ts'
import { notFound } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { Logger } from '#platform/logger.ts'
import { headersOf, ownerOf } from './calls.ts'
import { registerCommandRoutes, type CommandUseCases } from './command-routes.ts'
import type { createListAttention } from './list-attention.ts'
import type { createListOrders } from './list-orders.ts'
import type { createPlaceOrder } from './place-order.ts'
import { priceOrder } from './pricing/price-order.ts'
import { toQuote, type Pricing } from './pricing/total-order.ts'
import type { createReadTimeline } from './read-timeline.ts'
import { registerLiveRoutes, type LiveUseCases } from './live-routes.ts'
import { registerReturnRoutes, type ReturnUseCases } from './return-routes.ts'
import type { StartOrder } from './start-workflows.ts'
import { findOrder } from './store.ts'

export interface OrderUseCases extends CommandUseCases, ReturnUseCases, LiveUseCases {
  placeOrder: ReturnType<typeof createPlaceOrder>
  startOrder: StartOrder
  listOrders: ReturnType<typeof createListOrders>
  readTimeline: ReturnType<typeof createReadTimeline>
  listAttention: ReturnType<typeof createListAttention>
  pricing: Pricing
  logger: Logger
}

export function registerRoutes(app: HttpServer, verifyCaller: CallerVerifier, use: OrderUseCases): void {
  addRoute(app, verifyCaller, http.placeOrder, async (call) => {
    const { replayed, body: stored } = await once(
      use.database,
      commandOf(http.placeOrder, call),
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
    const { lines, shippingAddress } = body
    const { country } = shippingAddress
    const priced = await priceOrder(use.database, { lines, country, pricing: use.pricing })
    return { status: 200, body: toQuote(priced) }
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

  addRoute(app, verifyCaller, listAttention, async ({ query }) => ({
    status: 200,
    body: await use.listAttention(query.limit ?? 20, query.cursor),
  }))

  registerCommandRoutes(app, verifyCaller, use)
  registerReturnRoutes(app, verifyCaller, use)
  registerLiveRoutes(app, verifyCaller, use)
}
