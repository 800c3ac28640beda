import * as contracts from '#contracts/http/notifications.ts'
import { addRoute } from '#platform/http/contract.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { Attempts } from './attempts.ts'
import type { createCreateEndpoint } from './create-endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import type { createListEndpoints } from './list-endpoints.ts'
import type { createRemoveEndpoint } from './remove-endpoint.ts'

const RETRY_SECONDS = 5

export interface EndpointUseCases {
  createEndpoint: ReturnType<typeof createCreateEndpoint>
  listEndpoints: ReturnType<typeof createListEndpoints>
  removeEndpoint: ReturnType<typeof createRemoveEndpoint>
  endpoints: Pick<Endpoints, 'all'>
  attempts: Pick<Attempts, 'list'>
  /** Throws when the broker, which has all of it, is away. */
  probeBroker: () => Promise<unknown>
}

export function addEndpointRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  { createEndpoint, listEndpoints, removeEndpoint, endpoints, attempts, probeBroker }: EndpointUseCases,
): void {
  async function assertBroker(): Promise<void> {
    try {
      await probeBroker()
    } catch (cause) {
      const detail = 'Webhook endpoints cannot be read or changed at the moment.'
      throw new ProblemError('unavailable', detail, { retryAfter: RETRY_SECONDS, cause })
    }
  }

  addRoute(app, verifyCaller, contracts.createWebhookEndpoint, async ({ body, caller }) => {
    await assertBroker()
    return { status: 201, body: await createEndpoint({ ...body, createdBy: caller.subject }) }
  })
  addRoute(app, verifyCaller, contracts.listWebhookEndpoints, async ({ query }) => {
    await assertBroker()
    return { status: 200, body: await listEndpoints(query) }
  })
  addRoute(app, verifyCaller, contracts.removeWebhookEndpoint, async ({ params }) => {
    await assertBroker()
    await removeEndpoint(params.id)
    return { status: 204, body: null }
  })
  addRoute(app, verifyCaller, contracts.listWebhookAttempts, async ({ params, query }) => {
    await assertBroker()
    if (!(await endpoints.all()).some(({ id }) => id === params.id)) throw notFound('webhook endpoint')
    return { status: 200, body: await attempts.list(params.id, query) }
  })
}
