import type { ApiKeyOwner } from '#contracts/http/users.ts'
import { ProblemError } from '#platform/problem.ts'
import { parseScopes } from './api-key.ts'
import { hashSecret } from './secrets.ts'
import { parseRoles, type Store } from './store.ts'

interface KeyRow {
  userId: string
  keyId: string
  roles: string[]
  scopes: string[]
  expiresAt: Date
}

/**
 * Whose API key this is, with the owner's roles of this moment. Notes the use, once a minute at the most.
 *
 * @throws ProblemError `unauthenticated` for a key that is unknown, revoked or expired, or whose owner is disabled or gone
 */
export const createVerifyApiKey =
  (store: Store) =>
  async (secret: string): Promise<ApiKeyOwner> => {
    const [row] = await store.$queryRaw<KeyRow[]>`
      SELECT users.id AS "userId", api_keys.id AS "keyId", roles, scopes, expires_at AS "expiresAt"
      FROM api_keys JOIN users ON users.id = user_id
      WHERE secret_hash = ${hashSecret(secret)} AND revoked_at IS NULL AND expires_at > now()
        AND disabled_at IS NULL AND erased_at IS NULL`
    if (row === undefined) throw new ProblemError('unauthenticated', 'The API key is not valid.')
    await store.$executeRaw`
      UPDATE api_keys SET last_used_at = now()
      WHERE id = ${row.keyId}::uuid AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`
    return {
      userId: row.userId,
      keyId: row.keyId,
      roles: parseRoles(row.roles),
      scopes: parseScopes(row.scopes),
      expiresAt: row.expiresAt.toISOString(),
    }
  }
