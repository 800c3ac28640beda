/** The HTTP door: accounts, sessions, API keys; two internal routes for the gateway and for notifications. */
import * as contracts from '#contracts/http/users.ts'
import { addRoute, type Call } from '#platform/http/contract.ts'
import { oncePerKey, replayHeaders } from '#platform/http/once-per-key.ts'
import type { HttpServer } from '#platform/http/server.ts'
import type { Sql } from '#platform/database.ts'
import { ProblemError } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { FastifyRequest } from 'fastify'
import type { KeyRing } from './signing-keys.ts'
import type { UseCases } from './use-cases.ts'

/** Others may keep the key set this long; a new key is published much earlier than it signs. */
const KEYS_MAX_AGE_SECONDS = 300

export function addUserRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  { useCases, keyRing, database }: { useCases: UseCases; keyRing: KeyRing; database: Sql },
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
    addRoute(app, verifyCaller, contracts.updateMe, async (call) => {
      assertNoPasswordWithKey(call)
      const who = { userId: call.caller.subject, address: clientAddress(call.request) }
      const { replayed, body } = await oncePerKey(database, contracts.updateMe, call, async (finish) => ({
        status: 200,
        body: await useCases.updateMe({ ...who, ...call.body, finish }),
      }))
      return { status: 200, body, headers: replayHeaders(replayed) }
    })
    addRoute(app, verifyCaller, contracts.eraseMe, async (call) => {
      const { replayed } = await oncePerKey(database, contracts.eraseMe, call, async (finish) => {
        await useCases.eraseUser(call.caller.subject, finish)
        return { status: 204, body: null }
      })
      return { status: 204, body: null, headers: replayHeaders(replayed) }
    })
    addRoute(app, verifyCaller, contracts.listUsers, async ({ query }) => ({
      status: 200,
      body: await useCases.listUsers(query),
    }))
    addRoute(app, verifyCaller, contracts.readUser, async ({ params }) => ({
      status: 200,
      body: await useCases.readUser(params.id),
    }))
    addRoute(app, verifyCaller, contracts.setRoles, async (call) => {
      const { params, body: wanted } = call
      const { replayed, body } = await oncePerKey(database, contracts.setRoles, call, async (finish) => ({
        status: 200,
        body: await useCases.setRoles({ userId: params.id, roles: () => wanted.roles, finish }),
      }))
      return { status: 200, body, headers: replayHeaders(replayed) }
    })
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

/** A key is kept with a hash of its call, which a password must not be guessed from. */
function assertNoPasswordWithKey({
  idempotencyKey,
  body,
}: Call<(typeof contracts.updateMe)['schema']>): void {
  if (idempotencyKey !== undefined && body.password !== undefined)
    throw new ProblemError('idempotency_key_refused', 'A password is changed without an Idempotency-Key.')
}

/** Set by the gateway, which strips it from what comes in; nobody else has a token to call with. */
function clientAddress(request: FastifyRequest): string {
  const header = request.headers['x-client-ip']
  return typeof header === 'string' && header !== '' ? header.slice(0, 64) : 'unknown'
}
