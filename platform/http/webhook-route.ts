/** Routes for webhooks from outside: the body is bytes, since the signature is over them. */
import type { RouteContract } from '#contracts/http/route.ts'
import type { WebhookSchema } from '#contracts/http/webhook.ts'
import { ProblemError } from '../problem.ts'
import type { CallerVerifier } from '../service-token.ts'
import { addRoute, type Call } from './contract.ts'
import type { HttpServer } from './server.ts'

const LIMIT_BYTES = 256 * 1024

/** Registers the route in a scope of its own, where nothing parses bodies; 200 once `receive` has stored what came. */
export function addWebhookRoute<S extends WebhookSchema>(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  contract: RouteContract<S>,
  receive: (call: Call<WebhookSchema>, raw: Buffer) => Promise<void>,
): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: LIMIT_BYTES }, (_request, body, done) =>
      done(null, body),
    )
    const webhook: RouteContract<WebhookSchema> = contract
    addRoute(scope, verifyCaller, webhook, async (call) => {
      const { body: raw } = call.request
      if (!Buffer.isBuffer(raw)) throw new ProblemError('invalid_signature', 'The webhook has no body.')
      await receive(call, raw)
      return { status: 200, body: { received: true } }
    })
  })
}
