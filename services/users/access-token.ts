/** Access tokens: short-lived JWTs (RFC 9068) that the gateway verifies by the published keys. */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Tokens } from '#contracts/http/users.ts'
import type { Session } from './sessions.ts'
import { ALGORITHM, type KeyRing } from './signing-keys.ts'

const AUDIENCE = 'mainstay'
const LIFETIME_SECONDS = 600

export type IssueTokens = (session: Session) => Promise<Tokens>

/** What a login or a refresh answers. `iat_ms` tells tokens of the same second apart when others are revoked. */
export const createIssueTokens =
  ({ keyRing, issuer }: { keyRing: KeyRing; issuer: string }): IssueTokens =>
  async ({ sessionId, userId, roles, refreshToken, issuedAt }) => {
    const { kid, key } = await keyRing.current()
    const seconds = Math.floor(issuedAt.getTime() / 1000)
    const accessToken = await new SignJWT({ roles, sid: sessionId, iat_ms: issuedAt.getTime() })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'at+jwt', kid })
      .setIssuer(issuer)
      .setAudience(AUDIENCE)
      .setSubject(userId)
      .setJti(randomUUID())
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + LIFETIME_SECONDS)
      .sign(key)
    return { accessToken, refreshToken, tokenType: 'Bearer', expiresIn: LIFETIME_SECONDS }
  }
