/** Sessions: a login and the family of refresh tokens that follow from it, one of them alive at a time. */
import { randomUUID } from 'node:crypto'
import type { Role } from '#contracts/schemas.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { emit, parseRoles, type Tx, type UserRow } from './store.ts'

/** Each refresh token lives this long: a session that is used at least this often goes on. */
const REFRESH_TOKEN_DAYS = 30

export interface Session {
  sessionId: string
  userId: string
  roles: Role[]
  refreshToken: string
  issuedAt: Date
}

/** Why all of a user's access tokens became void. */
export type RevocationReason = 'password_changed' | 'roles_changed' | 'disabled' | 'erased'

/** Why one session ended, and its access tokens with it. */
export type SessionEndReason = 'refresh_reuse' | 'logout'

/** Begins a session; the account's row is locked. */
export async function beginSession(tx: Tx, user: UserRow): Promise<Session> {
  const sessionId = randomUUID()
  await tx.$executeRaw`INSERT INTO sessions (id, user_id) VALUES (${sessionId}::uuid, ${user.id}::uuid)`
  return continueSession(tx, sessionId, user)
}

/** Gives a session its next refresh token; the account's row is locked and the former token rotated. */
export async function continueSession(tx: Tx, sessionId: string, user: UserRow): Promise<Session> {
  const refreshToken = newSecret()
  await tx.$executeRaw`
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    VALUES (${hashSecret(refreshToken)}, ${sessionId}::uuid, now() + make_interval(days => ${REFRESH_TOKEN_DAYS}))`
  return {
    sessionId,
    userId: user.id,
    roles: parseRoles(user.roles),
    refreshToken,
    issuedAt: await issueTime(tx, user.id),
  }
}

/**
 * The moment that tokens issued now carry: the database's clock, which all processes share, and never before the last
 * revocation, also within its millisecond.
 */
async function issueTime(tx: Tx, userId: string): Promise<Date> {
  const [row] = await tx.$queryRaw<{ at: Date }[]>`
    SELECT greatest(date_trunc('milliseconds', clock_timestamp()), sessions_valid_from)::timestamptz(3) AS at
    FROM users WHERE id = ${userId}::uuid`
  if (row === undefined) throw new Error(`there is no account ${userId}`)
  return row.at
}

/** Makes every access token void that was issued until now; the account's row is locked. Sessions can refresh theirs. */
export async function voidAccessTokens(tx: Tx, userId: string, reason: RevocationReason): Promise<void> {
  const [row] = await tx.$queryRaw<{ before: Date }[]>`
    UPDATE users SET sessions_valid_from =
      greatest(date_trunc('milliseconds', clock_timestamp()), sessions_valid_from) + interval '1 millisecond'
    WHERE id = ${userId}::uuid RETURNING sessions_valid_from AS before`
  if (row === undefined) throw new Error(`there is no account ${userId}`)
  await emit(tx, userId, 'user.sessions_revoked', { userId, before: row.before.toISOString(), reason })
}

/**
 * Ends one living session: its refresh tokens and the access tokens that it was given. The user's others go on. The
 * account's row is locked, so no further token of it is issued; those it has carry an earlier moment than `before`.
 */
export async function endSession(
  tx: Tx,
  { sessionId, userId }: Pick<Session, 'sessionId' | 'userId'>,
  reason: SessionEndReason,
): Promise<void> {
  await tx.$executeRaw`UPDATE sessions SET revoked_at = now() WHERE id = ${sessionId}::uuid AND revoked_at IS NULL`
  const before = new Date((await issueTime(tx, userId)).getTime() + 1)
  await emit(tx, userId, 'user.sessions_revoked', { userId, sessionId, before: before.toISOString(), reason })
}

/** Ends every session and voids every access token of an account whose row is locked. */
export async function endAllSessions(tx: Tx, userId: string, reason: RevocationReason): Promise<void> {
  await tx.$executeRaw`UPDATE sessions SET revoked_at = now() WHERE user_id = ${userId}::uuid AND revoked_at IS NULL`
  await voidAccessTokens(tx, userId, reason)
}

/** Forgets refresh tokens that have expired, and sessions that have none left. */
export async function purgeSessions(tx: Pick<Tx, '$executeRaw'>): Promise<void> {
  await tx.$executeRaw`DELETE FROM refresh_tokens WHERE expires_at < now()`
  await tx.$executeRaw`
    DELETE FROM sessions AS session WHERE created_at < now() - make_interval(days => ${REFRESH_TOKEN_DAYS})
      AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE session_id = session.id)`
}
