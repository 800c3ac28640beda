/** Access tokens of people's sessions: JWTs of the users service, checked against its published keys. */
import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import Type, { type Static } from 'typebox'
import { Id, Role } from '#contracts/schemas.ts'
import type { Logger } from '#platform/logger.ts'
import { ProblemError } from '#platform/problem.ts'
import { parser, ValidationError } from '#platform/validation.ts'

const ALGORITHM = 'EdDSA'
const TOKEN_TYPE = 'at+jwt'
export const MAX_LIFE_SECONDS = 600
const CLOCK_TOLERANCE_SECONDS = 5
const REFRESH_MS = 300_000
const FIRST_FETCH_RETRY_MS = 1_000
const FETCH_TIMEOUT_MS = 3_000

export const AccessClaims = Type.Object({
  sub: Id,
  sid: Type.String({ minLength: 1 }),
  jti: Type.String({ minLength: 1 }),
  roles: Type.Array(Role),
  iat: Type.Integer(),
  exp: Type.Integer(),
  /** Milliseconds since 1970: `iat` cannot tell what came first within one second. */
  iat_ms: Type.Optional(Type.Number()),
})
export type AccessClaims = Static<typeof AccessClaims>

const parseClaims = parser('the access token', AccessClaims)

export interface SigningKeys {
  /** Finds the key that a token names. Rejects with a jose error for an unknown key. */
  find: JWTVerifyGetKey
  stop(): void
}

/**
 * Keeps the published keys in memory. They are fetched anew every five minutes (a new key is published fifteen minutes
 * before it signs) and when a token names an unknown one; while they cannot be fetched, the known ones stay good.
 */
export function followSigningKeys(url: URL, logger: Logger): SigningKeys {
  const keys = createRemoteJWKSet(url, { cacheMaxAge: Infinity, timeoutDuration: FETCH_TIMEOUT_MS })
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  async function refresh(): Promise<void> {
    try {
      await keys.reload()
    } catch (error) {
      logger.warn({ err: error }, 'the keys of the access tokens could not be fetched')
    }
    if (stopped) return
    timer = setTimeout(() => void refresh(), keys.jwks() === undefined ? FIRST_FETCH_RETRY_MS : REFRESH_MS)
    timer.unref()
  }
  void refresh()

  return {
    find: keys,
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}

export type AccessTokenVerifier = (token: string) => Promise<AccessClaims>

/**
 * @throws ProblemError `unauthenticated`, or `signing_keys_unavailable` when the key cannot be fetched
 */
export function createAccessTokenVerifier({
  keys,
  issuer,
  audience,
}: {
  keys: Pick<SigningKeys, 'find'>
  issuer: string
  audience: string
}): AccessTokenVerifier {
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys.find, {
        algorithms: [ALGORITHM],
        typ: TOKEN_TYPE,
        issuer,
        audience,
        maxTokenAge: MAX_LIFE_SECONDS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp', 'iat', 'sub'],
      })
      const claims = parseClaims(payload)
      if (claims.exp - claims.iat > MAX_LIFE_SECONDS) {
        throw new ProblemError('unauthenticated', 'The access token lives too long.')
      }
      return claims
    } catch (cause) {
      throw toProblem(cause)
    }
  }
}

function toProblem(cause: unknown): ProblemError {
  if (cause instanceof ProblemError) return cause
  if (cause instanceof errors.JWTExpired) {
    return new ProblemError('unauthenticated', 'The access token has expired.', { cause })
  }
  if (isTokenFault(cause)) {
    return new ProblemError('unauthenticated', 'The access token is not valid.', { cause })
  }
  return new ProblemError('signing_keys_unavailable', 'The keys of the access tokens cannot be fetched.', {
    cause,
    retryAfter: 2,
  })
}

/** Whether the token is to blame: everything else is a key set that could not be fetched or read. */
function isTokenFault(error: unknown): boolean {
  if (error instanceof ValidationError) return true
  if (!(error instanceof errors.JOSEError)) return false
  const keySetCodes = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC']
  return !keySetCodes.includes(error.code)
}
