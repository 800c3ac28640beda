import {
  createRefund,
  listPayments as listPaymentsContract,
  paymentWebhook,
} from '#contracts/http/payments.ts'
import { seesEverything } from '#platform/http/access.ts'
import { addRoute } from '#platform/http/contract.ts'
import { commandOf, replayHeaders } from '#platform/http/once-per-key.ts'
import { addWebhookRoute } from '#platform/http/webhook-route.ts'
import type { HttpServer } from '#platform/http/server.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { ListPayments } from './list-payments.ts'
import type { ReceiveWebhook } from './webhooks/receive-webhook.ts'
import type { RequestRefund } from './refunds/request-refund.ts'

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

  addRoute(app, verifyCaller, createRefund, async (call) => {
    const { refund, replayed } = await requestRefund(
      {
        orderId: call.params.id,
        ...call.body,
        ifMatch: call.ifMatch,
        currentVersion: call.currentVersion,
      },
      commandOf(createRefund, call),
    )
    return { status: 201, body: refund, headers: replayHeaders(replayed) }
  })

  addWebhookRoute(app, verifyCaller, paymentWebhook, async ({ params, request: { headers } }, raw) => {
    await receiveWebhook({ provider: params.provider, raw, headers })
  })
}
