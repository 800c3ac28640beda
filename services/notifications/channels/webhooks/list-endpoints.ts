import type { WebhookEndpoint } from '#contracts/http/notifications.ts'
import { decodeCursor, NewestFirst, toPage } from '#platform/keyset.ts'
import { toEndpoint, type Endpoints } from './endpoints.ts'

/** All endpoints, the newest first, without their secrets. */
export const createListEndpoints =
  ({ endpoints }: { endpoints: Endpoints }) =>
  async ({
    limit = 20,
    cursor,
  }: {
    limit?: number
    cursor?: string
  }): Promise<{
    data: WebhookEndpoint[]
    nextCursor: string | null
  }> => {
    const after = decodeCursor(NewestFirst, cursor)
    const sorted = (await endpoints.all()).toSorted((left, right) => compare(keyOf(right), keyOf(left)))
    const rest = after === undefined ? sorted : sorted.filter((row) => compare(keyOf(row), after) < 0)
    const page = toPage(rest.slice(0, limit + 1), limit, keyOf)
    return { ...page, data: page.data.map(toEndpoint) }
  }

type Key = readonly [string, string]

const keyOf = ({ createdAt, id }: WebhookEndpoint): Key => [createdAt, id]

const compare = (left: Key, right: Key): number => {
  const index = left[0] === right[0] ? 1 : 0
  return left[index] < right[index] ? -1 : left[index] > right[index] ? 1 : 0
}
