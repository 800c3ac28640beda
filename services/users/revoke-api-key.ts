import { notFound } from '#platform/problem.ts'
import { emit, tryLockUser, type Transact } from './store.ts'

/**
 * Revokes a person's own key and announces it: the gateway forgets what it knew of it.
 *
 * @throws ProblemError `not_found`, also for another person's key and one that was revoked before
 */
export const createRevokeApiKey =
  (transact: Transact) =>
  ({ userId, keyId }: { userId: string; keyId: string }): Promise<void> =>
    transact(async (tx) => {
      if ((await tryLockUser(tx, userId)) === undefined) throw notFound('API key')
      const { count } = await tx.apiKey.updateMany({
        where: { id: keyId, userId, revokedAt: null },
        data: { revokedAt: new Date() },
      })
      if (count === 0) throw notFound('API key')
      await emit(tx, userId, 'user.api_key_revoked', { userId, keyId })
    })
