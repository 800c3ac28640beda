/** What the routes of this service have in common: whose orders a caller knows, keys, and headers of answers. */
import type { Order } from '#contracts/http/orders.ts'
import { seesEverything } from '#platform/http/access.ts'
import type { AnyCall } from '#platform/http/contract.ts'
import type { Command } from '#platform/idempotency.ts'
import type { Caller } from '#platform/service-token.ts'
import type { OwnerFilter } from './store.ts'

/** Customers know of their own orders only. */
export const ownerOf = (caller: Caller): OwnerFilter => (seesEverything(caller) ? null : caller.subject)

export const commandOf = (method: string, route: string, call: AnyCall): Command => ({
  caller: call.caller.subject,
  key: call.idempotencyKey ?? '',
  method,
  route: route.includes(':') ? call.path : route,
  body: call.body,
})

export const headersOf = (
  order: Order,
  { replayed = false, location = false }: { replayed?: boolean; location?: boolean } = {},
): Record<string, string> => ({
  etag: `"${order.version}"`,
  ...(location ? { location: `/api/v1/orders/${order.id}` } : {}),
  ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
})
