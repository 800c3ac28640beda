import { notFound } from '#platform/problem.ts'
import type { Store } from './store.ts'

/**
 * Revokes a person's own key; the gateway forgets what it knew of it within 30 seconds.
 *
 * @throws ProblemError `not_found`, also for another person's key and one that was revoked before
 */
export const createRevokeApiKey =
  (store: Store) =>
  async ({ userId, keyId }: { userId: string; keyId: string }): Promise<void> => {
    const { count } = await store.apiKey.updateMany({
      where: { id: keyId, userId, revokedAt: null },
      data: { revokedAt: new Date() },
    })
    if (count === 0) throw notFound('API key')
  }
