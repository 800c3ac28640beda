import {
  createRefund,
  listPayments as listPaymentsContract,
  paymentWebhook,
} from '#contracts/http/payments.ts'
import { seesEverything } from '#platform/http/access.ts'
import { addRoute } from '#platform/http/contract.ts'
import { addWebhookRoute } from '#platform/http/webhook-route.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { ProblemError } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { ListPayments } from './list-payments.ts'
import type { ReceiveWebhook } from './receive-webhook.ts'
import type { RequestRefund } from './request-refund.ts'

export interface PaymentsRoutes {
  listPayments: ListPayments
  requestRefund: RequestRefund
  receiveWebhook: ReceiveWebhook
}

/** The payments service's HTTP door. */
export function registerRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  { listPayments, requestRefund, receiveWebhook }: PaymentsRoutes,
): void {
  addRoute(app, verifyCaller, listPaymentsContract, async ({ params, caller }) => {
    const owner = seesEverything(caller) ? {} : { customerId: caller.subject }
    return {
      status: 200,
      body: { data: await listPayments({ orderId: params.id, ...owner }), nextCursor: null },
    }
  })

  addRoute(app, verifyCaller, createRefund, async ({ params, body, caller, idempotencyKey: key, path }) => {
    if (key === undefined) throw new ProblemError('idempotency_key_missing', 'A refund needs a key.')
    const { refund, replayed } = await requestRefund(
      { orderId: params.id, ...body },
      { caller: caller.subject, key, method: 'POST', route: path, body },
    )
    return {
      status: 201,
      body: refund,
      ...(replayed ? { headers: { 'idempotency-replayed': 'true' } } : {}),
    }
  })

  addWebhookRoute(app, verifyCaller, paymentWebhook, async ({ params, request: { headers } }, raw) => {
    await receiveWebhook({ provider: params.sender, raw, headers })
  })
}
