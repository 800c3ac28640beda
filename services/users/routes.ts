/** The HTTP door: accounts, sessions, API keys; two internal routes for the gateway and for notifications. */
import * as contracts from '#contracts/http/users.ts'
import { addRoute } from '#platform/http/contract.ts'
import type { HttpServer } from '#platform/http/server.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { FastifyRequest } from 'fastify'
import type { KeyRing } from './signing-keys.ts'
import type { UseCases } from './use-cases.ts'

/** Others may keep the key set this long; a new key is published much earlier than it signs. */
const KEYS_MAX_AGE_SECONDS = 300

export function addUserRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  { useCases, keyRing }: { useCases: UseCases; keyRing: KeyRing },
): void {
  addSessionRoutes()
  addAccountRoutes()
  addApiKeyRoutes()

  // public keys, for whoever verifies: no token, not even a service's
  app.get(contracts.jwks.url, async (_request, reply) =>
    reply.header('cache-control', `public, max-age=${KEYS_MAX_AGE_SECONDS}`).send(await keyRing.published()),
  )

  function addSessionRoutes(): void {
    addRoute(app, verifyCaller, contracts.login, async ({ body, request }) => ({
      status: 200,
      body: await useCases.logIn({ ...body, address: clientAddress(request) }),
    }))
    addRoute(app, verifyCaller, contracts.refresh, async ({ body }) => ({
      status: 200,
      body: await useCases.refreshSession(body.refreshToken),
    }))
    addRoute(app, verifyCaller, contracts.logout, async ({ body }) => {
      await useCases.logOut(body.refreshToken)
      return { status: 204, body: null }
    })
    addRoute(app, verifyCaller, contracts.acceptInvitation, async ({ body }) => {
      await useCases.acceptInvitation(body)
      return { status: 204, body: null }
    })
  }

  function addAccountRoutes(): void {
    addRoute(app, verifyCaller, contracts.registerUser, async ({ body }) => ({
      status: 201,
      body: await useCases.registerUser(body),
    }))
    addRoute(app, verifyCaller, contracts.readMe, async ({ caller }) => ({
      status: 200,
      body: await useCases.readUser(caller.subject),
    }))
    addRoute(app, verifyCaller, contracts.updateMe, async ({ caller, body, request }) => ({
      status: 200,
      body: await useCases.updateMe({ userId: caller.subject, address: clientAddress(request), ...body }),
    }))
    addRoute(app, verifyCaller, contracts.eraseMe, async ({ caller }) => {
      await useCases.eraseUser(caller.subject)
      return { status: 204, body: null }
    })
    addRoute(app, verifyCaller, contracts.listUsers, async ({ query }) => ({
      status: 200,
      body: await useCases.listUsers(query),
    }))
    addRoute(app, verifyCaller, contracts.readUser, async ({ params }) => ({
      status: 200,
      body: await useCases.readUser(params.id),
    }))
    addRoute(app, verifyCaller, contracts.setRoles, async ({ params, body }) => ({
      status: 200,
      body: await useCases.setRoles({ userId: params.id, roles: () => body.roles }),
    }))
    addRoute(app, verifyCaller, contracts.readContact, async ({ params }) => ({
      status: 200,
      body: await useCases.readContact(params.id),
    }))
  }

  function addApiKeyRoutes(): void {
    addRoute(app, verifyCaller, contracts.createApiKey, async ({ caller, body }) => ({
      status: 201,
      body: await useCases.createApiKey({ userId: caller.subject, ...body }),
    }))
    addRoute(app, verifyCaller, contracts.listApiKeys, async ({ caller, query }) => ({
      status: 200,
      body: await useCases.listApiKeys({ userId: caller.subject, ...query }),
    }))
    addRoute(app, verifyCaller, contracts.revokeApiKey, async ({ caller, params }) => {
      await useCases.revokeApiKey({ userId: caller.subject, keyId: params.id })
      return { status: 204, body: null }
    })
    addRoute(app, verifyCaller, contracts.verifyApiKey, async ({ body }) => ({
      status: 200,
      body: await useCases.verifyApiKey(body.secret),
    }))
  }
}

/** Set by the gateway, which strips it from what comes in; nobody else has a token to call with. */
function clientAddress(request: FastifyRequest): string {
  const header = request.headers['x-client-ip']
  return typeof header === 'string' && header !== '' ? header.slice(0, 64) : 'unknown'
}
