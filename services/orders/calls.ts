/** What the routes of this service have in common: whose orders a caller knows, and headers of answers. */
import type { Order } from '#contracts/http/orders.ts'
import { seesEverything } from '#platform/http/access.ts'
import { replayHeaders } from '#platform/http/once-per-key.ts'
import type { Caller } from '#platform/service-token.ts'
import type { OwnerFilter } from './store.ts'

/** Customers know of their own orders only. */
export const ownerOf = (caller: Caller): OwnerFilter => (seesEverything(caller) ? null : caller.subject)

export const headersOf = (
  order: Order,
  { replayed = false, location = false }: { replayed?: boolean; location?: boolean } = {},
): Record<string, string> => ({
  etag: `"${order.version}"`,
  ...(location ? { location: `/api/v1/orders/${order.id}` } : {}),
  ...replayHeaders(replayed),
})
