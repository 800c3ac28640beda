import type { RouteContract } from '#contracts/http/route.ts'
import { ProblemError } from '../problem.ts'
import type { Caller } from '../service-token.ts'

/**
 * Whether this caller may use this route at all; whose objects they may see is decided in SQL.
 *
 * @throws ProblemError `unauthenticated` or `forbidden`
 */
export function assertAccess(
  { access, scope }: Pick<RouteContract, 'access' | 'scope'>,
  caller: Caller,
): void {
  assertScope(scope, caller)
  if (access === 'anyone') return
  if (access === 'service') {
    if (caller.kind !== 'service')
      throw new ProblemError('forbidden', 'Only services of the platform call this.')
    return
  }
  if (caller.kind !== 'user') throw new ProblemError('unauthenticated', 'Sign in, or send an API key.')
  if (access === 'signed-in') return
  if (!access.some((role) => caller.roles.includes(role))) {
    throw new ProblemError('forbidden', `This needs the role ${access.join(' or ')}.`)
  }
}

function assertScope(scope: string | undefined, caller: Caller): void {
  if (caller.kind !== 'user' || caller.scopes.includes('*')) return
  if (scope === undefined) throw new ProblemError('forbidden', 'API keys cannot call this; sign in.')
  if (!caller.scopes.includes(scope))
    throw new ProblemError('forbidden', `The API key lacks the scope ${scope}.`)
}

/** Operators and admins see everybody's objects. */
export const seesEverything = (caller: Caller): boolean =>
  caller.roles.includes('operator') || caller.roles.includes('admin')
