/** The HTTP door for those who watch an order. */
import * as http from '#contracts/http/orders.ts'
import { addRoute } from '#platform/http/contract.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { notFound } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import { ownerOf } from './calls.ts'
import { parseLastEventId } from './live/event-format.ts'
import type { LiveTimeline } from './live/live-timeline.ts'
import { findOrder, type OrdersDatabase } from './store.ts'

export interface LiveUseCases {
  database: OrdersDatabase
  liveTimeline: LiveTimeline
}

export function registerLiveRoutes(app: HttpServer, verifyCaller: CallerVerifier, use: LiveUseCases): void {
  addRoute(app, verifyCaller, http.streamTimeline, async ({ params, caller, request }) => {
    const after = parseLastEventId(request.headers['last-event-id'])
    if ((await findOrder(use.database, params.id, ownerOf(caller))) === undefined) throw notFound('order')
    return {
      status: 200,
      body: use.liveTimeline.open({ orderId: params.id, caller: caller.subject, after }),
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      },
    }
  })

  // whoever listens would keep the server from closing
  app.addHook('preClose', () => use.liveTimeline.stop())
}
