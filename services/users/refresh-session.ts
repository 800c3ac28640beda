import type { Tokens } from '#contracts/http/users.ts'
import { ProblemError } from '#platform/problem.ts'
import type { IssueTokens } from './access-token.ts'
import { hashSecret } from './secrets.ts'
import { continueSession, endSession, type Session } from './sessions.ts'
import { tryLockUser, type Transact, type Tx } from './store.ts'

interface TokenRow {
  sessionId: string
  userId: string
  rotated: boolean
  alive: boolean
}

/**
 * Exchanges a refresh token for its successor and a new access token. Each one works once: whoever shows a rotated one
 * is a thief, or was robbed, and the whole family ends.
 *
 * @throws ProblemError `invalid_refresh_token`
 */
export const createRefreshSession =
  ({ transact, issueTokens }: { transact: Transact; issueTokens: IssueTokens }) =>
  async (refreshToken: string): Promise<Tokens> => {
    const tokenHash = hashSecret(refreshToken)
    // the end of a family is an effect to keep: it is answered, not thrown
    const session = await transact((tx) => rotate(tx, tokenHash))
    if (session === undefined) {
      throw new ProblemError('invalid_refresh_token', 'The refresh token is not valid any more; log in.')
    }
    return issueTokens(session)
  }

async function rotate(tx: Tx, tokenHash: Uint8Array): Promise<Session | undefined> {
  const known = await readToken(tx, tokenHash)
  if (known === undefined) return undefined
  const user = await tryLockUser(tx, known.userId)
  const token = await readToken(tx, tokenHash) // as it is now that nobody else can rotate it
  if (user === undefined || user.disabledAt !== null || token === undefined || !token.alive) return undefined
  if (token.rotated) {
    await endSession(tx, token, 'refresh_reuse')
    return undefined
  }
  await tx.$executeRaw`UPDATE refresh_tokens SET rotated_at = now() WHERE token_hash = ${tokenHash}`
  return continueSession(tx, token.sessionId, user)
}

async function readToken(tx: Tx, tokenHash: Uint8Array): Promise<TokenRow | undefined> {
  const [row] = await tx.$queryRaw<TokenRow[]>`
    SELECT session_id AS "sessionId", user_id AS "userId", rotated_at IS NOT NULL AS rotated,
           revoked_at IS NULL AND expires_at > now() AS alive
    FROM refresh_tokens JOIN sessions ON sessions.id = session_id WHERE token_hash = ${tokenHash}`
  return row
}
