import { decodeCursor, NewestFirst, toPage } from '#platform/keyset.ts'
import { toApiKey } from './api-key.ts'
import { beyond } from './find-users.ts'
import type { Store } from './store.ts'

/** A person's own keys, the newest first; expired ones are shown, revoked ones are gone. */
export const createListApiKeys =
  (store: Store) =>
  async ({ userId, limit = 20, cursor }: { userId: string; limit?: number; cursor?: string }) => {
    const after = decodeCursor(NewestFirst, cursor)
    const rows = await store.apiKey.findMany({
      where: { userId, revokedAt: null, ...(after === undefined ? {} : { OR: beyond(after) }) },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    const page = toPage(rows, limit, (row) => [row.createdAt.toISOString(), row.id])
    return { ...page, data: page.data.map(toApiKey) }
  }
