import * as contracts from '#contracts/http/notifications.ts'
import { addRoute } from '#platform/http/contract.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { notFound } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { Attempts } from './attempts.ts'
import type { createCreateEndpoint } from './create-endpoint.ts'
import type { Endpoints } from './endpoints.ts'
import type { createListEndpoints } from './list-endpoints.ts'
import type { createRemoveEndpoint } from './remove-endpoint.ts'

export interface EndpointUseCases {
  createEndpoint: ReturnType<typeof createCreateEndpoint>
  listEndpoints: ReturnType<typeof createListEndpoints>
  removeEndpoint: ReturnType<typeof createRemoveEndpoint>
  endpoints: Pick<Endpoints, 'all'>
  attempts: Pick<Attempts, 'list'>
}

export function addEndpointRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  { createEndpoint, listEndpoints, removeEndpoint, endpoints, attempts }: EndpointUseCases,
): void {
  addRoute(app, verifyCaller, contracts.createWebhookEndpoint, async ({ body, caller }) => ({
    status: 201,
    body: await createEndpoint({ ...body, createdBy: caller.subject }),
  }))
  addRoute(app, verifyCaller, contracts.listWebhookEndpoints, async ({ query }) => ({
    status: 200,
    body: await listEndpoints(query),
  }))
  addRoute(app, verifyCaller, contracts.removeWebhookEndpoint, async ({ params }) => {
    await removeEndpoint(params.id)
    return { status: 204, body: null }
  })
  addRoute(app, verifyCaller, contracts.listWebhookAttempts, async ({ params, query }) => {
    if (!(await endpoints.all()).some(({ id }) => id === params.id)) throw notFound('webhook endpoint')
    return { status: 200, body: await attempts.list(params.id, query) }
  })
}
