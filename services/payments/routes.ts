import { listPayments as listPaymentsContract, paymentWebhook } from '#contracts/http/payments.ts'
import { seesEverything } from '#platform/http/access.ts'
import { addRoute } from '#platform/http/contract.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { ProblemError } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { ListPayments } from './list-payments.ts'
import type { ReceiveWebhook } from './receive-webhook.ts'

const WEBHOOK_LIMIT_BYTES = 256 * 1024

export interface PaymentsRoutes {
  listPayments: ListPayments
  receiveWebhook: ReceiveWebhook
}

/** The payments service's HTTP door. */
export function registerRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  { listPayments, receiveWebhook }: PaymentsRoutes,
): void {
  addRoute(app, verifyCaller, listPaymentsContract, async ({ params, caller }) => {
    const owner = seesEverything(caller) ? {} : { customerId: caller.subject }
    return {
      status: 200,
      body: { data: await listPayments({ orderId: params.id, ...owner }), nextCursor: null },
    }
  })

  // a scope of its own: here bodies are bytes, since the signature is over them
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: WEBHOOK_LIMIT_BYTES },
      (_request, body, done) => done(null, body),
    )
    addRoute(scope, verifyCaller, paymentWebhook, async ({ params, request }) => {
      const { body: raw, headers } = request
      if (!Buffer.isBuffer(raw)) throw new ProblemError('invalid_signature', 'The webhook has no body.')
      await receiveWebhook({ provider: params.provider, raw, headers })
      return { status: 200, body: { received: true } }
    })
  })
}
