/** The HTTP door for returns. */
import type { Static } from 'typebox'
import * as http from '#contracts/http/returns.ts'
import type { Return } from '#contracts/http/returns.ts'
import type { RouteContract } from '#contracts/http/route.ts'
import { addRoute, type AnyCall } from '#platform/http/contract.ts'
import { commandOf, replayHeaders } from '#platform/http/once-per-key.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { once, updateIdOf } from '#platform/idempotency.ts'
import type { Logger } from '#platform/logger.ts'
import { notFound } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import { ownerOf } from './calls.ts'
import type { createCommandReturn } from './returns/command-return.ts'
import { findReturn, type createListReturns } from './returns/find-returns.ts'
import { withVersion, type VersionedReturn } from './returns/present-return.ts'
import type { createRequestReturn } from './returns/request-return.ts'
import type { ReturnCommand } from './returns/return-workflow.ts'
import type { StartReturn } from './returns/start-returns.ts'
import type { OrdersDatabase, OwnerFilter } from './store.ts'

export interface ReturnUseCases {
  database: OrdersDatabase
  requestReturn: ReturnType<typeof createRequestReturn>
  startReturn: StartReturn
  listReturns: ReturnType<typeof createListReturns>
  commandReturn: ReturnType<typeof createCommandReturn>
  logger: Logger
}

export function registerReturnRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  use: ReturnUseCases,
): void {
  addRoute(app, verifyCaller, http.requestReturn, async (call) => {
    const { params, caller, body, ifMatch } = call
    const command = commandOf(http.requestReturn, call)
    const { replayed, body: stored } = await once(use.database, command, async (finish) => {
      const input = { orderId: params.id, customerId: caller.subject, body, ifMatch, finish }
      const requested = await use.requestReturn(input)
      // not awaited: the answer does not wait for Temporal, and the relay starts what fails here
      use
        .startReturn(requested.id)
        .catch((error: unknown) =>
          use.logger.warn({ err: error, returnId: requested.id }, 'the return’s workflow is started later'),
        )
      return { status: 201, body: requested }
    })
    const { body: shown, headers } = answerOf(stored, replayed)
    return { status: 201, body: shown, headers: { location: `/api/v1/returns/${stored.id}`, ...headers } }
  })

  addRoute(app, verifyCaller, http.listReturns, async ({ query, caller }) => ({
    status: 200,
    body: await use.listReturns(query, ownerOf(caller)),
  }))

  addRoute(app, verifyCaller, http.readReturn, async ({ params, caller }) => {
    const row = await findReturn(use.database, params.id, ownerOf(caller))
    if (row === undefined) throw notFound('return')
    return { status: 200, ...answerOf(withVersion(row)) }
  })

  addRoute(app, verifyCaller, http.approveReturn, (call) =>
    accepted(call, http.approveReturn, null, { name: 'approve', argument: { by: call.caller.subject } }),
  )

  addRoute(app, verifyCaller, http.rejectReturn, (call) => {
    const argument = { by: call.caller.subject, reason: call.body.reason ?? null }
    return accepted(call, http.rejectReturn, null, { name: 'reject', argument })
  })

  addRoute(app, verifyCaller, http.receiveReturn, (call) => {
    const argument = { by: call.caller.subject, ...call.body }
    return accepted(call, http.receiveReturn, null, { name: 'receive', argument })
  })

  // the customer's own, whatever else they may be
  addRoute(app, verifyCaller, http.cancelReturn, (call) => {
    const by = call.caller.subject
    return accepted(call, http.cancelReturn, by, { name: 'cancel', argument: { by } })
  })

  /** A command that the workflow takes over; the same update id makes its repeat harmless. */
  async function accepted(
    call: AnyCall & { params: Static<typeof http.readReturn.schema.params> },
    route: RouteContract,
    owner: OwnerFilter,
    command: ReturnCommand,
  ): Promise<{ status: 202; body: Return; headers: Record<string, string> }> {
    const { idempotencyKey, ifMatch, params } = call
    const run = (updateId: string) =>
      use.commandReturn({ returnId: params.id, owner, ifMatch, command, updateId })
    const sent = commandOf(route, call)
    if (idempotencyKey === undefined) {
      const body = await run(updateIdOf({ ...sent, key: call.request.id }))
      return { status: 202, ...answerOf(body) }
    }
    const { replayed, body } = await once(use.database, sent, async (finish) => {
      const answer = { status: 202, body: await run(updateIdOf(sent)) }
      await finish(use.database, answer)
      return answer
    })
    return { status: 202, ...answerOf(body, replayed) }
  }
}

/** A return's version is told by its ETag. Answers that were stored before it was kept with them have none. */
function answerOf(
  { version, ...body }: Return & Partial<VersionedReturn>,
  replayed = false,
): { body: Return; headers: Record<string, string> } {
  const etag = version === undefined ? {} : { etag: `"${version}"` }
  return { body, headers: { ...etag, ...replayHeaders(replayed) } }
}
