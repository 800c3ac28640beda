/** A service's routes without its process: who calls is said by name. */
import type { Role } from '#contracts/schemas.ts'
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import { createLogger } from '#platform/logger.ts'
import { ProblemError } from '#platform/problem.ts'
import type { Caller, CallerVerifier } from '#platform/service-token.ts'
import { closeWithFile } from './closing.ts'

/** Believes `Authorization: Bearer <role>:<subject>`; no header is anonymous, anything else is nobody. */
export const verifyTestCaller: CallerVerifier = (authorization) => Promise.resolve(callerOf(authorization))

function callerOf(authorization: string | undefined): Caller {
  if (authorization === undefined) {
    return { kind: 'anonymous', subject: 'anonymous', roles: [], scopes: [] }
  }
  const [, role, subject] = /^Bearer (customer|operator|courier|admin):(\S+)$/.exec(authorization) ?? []
  if (role === undefined || subject === undefined) throw new ProblemError('unauthenticated', 'Nobody.')
  return { kind: 'user', subject, roles: [role as Role], scopes: ['*'] }
}

/** The header of a caller. */
export const as = (role: Role, subject: string): { authorization: string } => ({
  authorization: `Bearer ${role}:${subject}`,
})

/** A server with these routes, ready for `inject`. */
export async function testServer(
  addRoutes: (app: HttpServer, verifyCaller: CallerVerifier) => void,
): Promise<HttpServer> {
  const app = createHttpServer({ logger: createLogger({ service: 'test', level: 'silent' }), probes: {} })
  addRoutes(app, verifyTestCaller)
  await app.ready()
  closeWithFile(() => app.close())
  return app
}
