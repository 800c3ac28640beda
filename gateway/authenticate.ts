/** Who calls: nobody in particular, a person's session, or a machine with an API key. */
import type { Caller } from '#platform/service-token.ts'
import { ProblemError } from '#platform/problem.ts'
import type { AccessTokenVerifier } from './access-token.ts'
import { isApiKey, type ApiKeys } from './api-keys.ts'
import type { Revocations } from './revocations.ts'

export interface Identity {
  caller: Caller
  /** What the caller's limits are counted by; undefined for strangers, who are counted by address. */
  limitKey: string | undefined
}

export type Authenticator = (authorization: string | undefined) => Promise<Identity>

const ANONYMOUS: Identity = {
  caller: { kind: 'anonymous', subject: 'anonymous', roles: [], scopes: [] },
  limitKey: undefined,
}

/**
 * Credentials that are sent must be good, also where none are needed.
 *
 * @throws ProblemError `unauthenticated`, `signing_keys_unavailable` or `unavailable`
 */
export function createAuthenticator({
  verifyAccessToken,
  revocations,
  apiKeys,
}: {
  verifyAccessToken: AccessTokenVerifier
  revocations: Pick<Revocations, 'isRevoked'>
  apiKeys: Pick<ApiKeys, 'ownerOf'>
}): Authenticator {
  async function bySession(token: string): Promise<Identity> {
    const claims = await verifyAccessToken(token)
    if (revocations.isRevoked(claims)) {
      throw new ProblemError('unauthenticated', 'The session has ended; sign in again.')
    }
    return {
      caller: { kind: 'user', subject: claims.sub, roles: claims.roles, scopes: ['*'] },
      limitKey: `user:${claims.sub}`,
    }
  }

  async function byApiKey(secret: string): Promise<Identity> {
    const { userId, roles, scopes } = await apiKeys.ownerOf(secret)
    // by the owner, who may make as many keys as they like
    return { caller: { kind: 'user', subject: userId, roles, scopes }, limitKey: `user:${userId}` }
  }

  return async (authorization) => {
    if (authorization === undefined) return ANONYMOUS
    const credential = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1]
    if (credential === undefined) {
      throw new ProblemError(
        'unauthenticated',
        'Send `Authorization: Bearer` with an access token or an API key.',
      )
    }
    return isApiKey(credential) ? byApiKey(credential) : bySession(credential)
  }
}
