/** The HTTP door for what is said to orders that are under way. */
import { operateOrder } from '#contracts/http/operations.ts'
import * as http from '#contracts/http/orders.ts'
import type { Order } from '#contracts/http/orders.ts'
import type { RouteContract } from '#contracts/http/route.ts'
import { addRoute, type AnyCall } from '#platform/http/contract.ts'
import { commandOf } from '#platform/http/once-per-key.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { fingerprintOf, once, updateIdOf } from '#platform/idempotency.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { createAmendOrder } from './amendments/amend-order.ts'
import { headersOf, ownerOf } from './calls.ts'
import type { createCommandOrder } from './command-order.ts'
import type { createOperateOrder } from './operate-order.ts'
import type { OrderCommand } from './order-workflow.ts'
import { assertPaymentMethod } from './payment-method.ts'
import type { OrdersDatabase, OwnerFilter } from './store.ts'

export interface CommandUseCases {
  database: OrdersDatabase
  commandOrder: ReturnType<typeof createCommandOrder>
  amendOrder: ReturnType<typeof createAmendOrder>
  operateOrder: ReturnType<typeof createOperateOrder>
}

export function registerCommandRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  use: CommandUseCases,
): void {
  addRoute(app, verifyCaller, http.cancelOrder, (call) => {
    const { caller, body } = call
    const argument = { by: caller.subject, reason: body.reason ?? null }
    return accepted(call, http.cancelOrder, ownerOf(caller), { name: 'cancel', argument })
  })

  // what only the customer can answer is the customer's own, whatever else they may be
  addRoute(app, verifyCaller, http.decideOrder, (call) => {
    const { caller, body } = call
    const argument = { ...body, by: caller.subject }
    return accepted(call, http.decideOrder, caller.subject, { name: 'decide', argument })
  })

  addRoute(app, verifyCaller, http.changePaymentMethod, (call) => {
    const { caller, body } = call
    assertPaymentMethod(body.paymentMethod)
    const argument = { ...body, by: caller.subject }
    return accepted(call, http.changePaymentMethod, caller.subject, {
      name: 'changePaymentMethod',
      argument,
    })
  })

  addRoute(app, verifyCaller, http.amendOrder, async (call) => {
    const { params, caller, body, ifMatch } = call
    const command = commandOf(http.amendOrder, call)
    const { replayed, ...answer } = await once(use.database, command, async (finish) => {
      const amended = await use.amendOrder({
        orderId: params.id,
        customerId: caller.subject,
        change: body,
        ifMatch,
        intent: `${updateIdOf(command)}:${fingerprintOf(command)}`,
      })
      await finish(use.database, amended)
      return amended
    })
    const headers = headersOf(answer.body, { replayed })
    return answer.status === 200
      ? { status: 200, body: answer.body, headers }
      : { status: 202, body: answer.body, headers }
  })

  addRoute(app, verifyCaller, operateOrder, async (call) => {
    const { params, caller, body, ifMatch } = call
    const command = commandOf(operateOrder, call)
    const { replayed, body: stored } = await once(use.database, command, async (finish) => {
      const order = await use.operateOrder({
        orderId: params.id,
        answer: { ...body, ...momentOf(body), by: caller.subject },
        ifMatch,
        updateId: updateIdOf(command),
        finish,
      })
      return { status: 202, body: order }
    })
    return { status: 202, body: stored, headers: headersOf(stored, { replayed }) }
  })

  /**
   * A command that the workflow takes over. Its key, if it has one, is finished after the workflow accepted it: should
   * the process end in between, the same update id makes the repeat harmless.
   */
  async function accepted(
    call: AnyCall & { params: { id: string } },
    route: RouteContract,
    owner: OwnerFilter,
    command: OrderCommand,
  ): Promise<{ status: 202; body: Order; headers: Record<string, string> }> {
    const { idempotencyKey, ifMatch, params } = call
    const run = (updateId: string) =>
      use.commandOrder({ orderId: params.id, owner, ifMatch, command, updateId })
    const sent = commandOf(route, call)
    if (idempotencyKey === undefined) {
      // the request id may be the client's: hashed with caller and route it meets nobody else's
      const order = await run(updateIdOf({ ...sent, key: call.request.id }))
      return { status: 202, body: order, headers: headersOf(order) }
    }
    const { replayed, body: stored } = await once(use.database, sent, async (finish) => {
      const order = await run(updateIdOf(sent))
      await finish(use.database, { status: 202, body: order })
      return { status: 202, body: order }
    })
    return { status: 202, body: stored, headers: headersOf(stored, { replayed }) }
  }
}

/** One moment can be written in several ways; the workflow and the rows know a question by this one. */
const momentOf = ({ since }: { since?: string }): { since?: string } =>
  since === undefined ? {} : { since: new Date(since).toISOString() }
