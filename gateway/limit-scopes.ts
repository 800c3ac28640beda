/** What each rate limit counts, as clients and operators are told: read from the route table, so that it is true. */
import { LIMITS, type LimitName } from './limits.ts'
import { ROUTES, type RouteRow } from './routes.ts'

/**
 * @example scopeOf('orders') // '/api/v1/orders and below, GET /api/v1/returns, …'
 */
export function scopeOf(name: LimitName): string {
  if (name === 'ip') return 'everything from one address but webhooks and probes, before authentication'
  const parts = [...AREAS].flatMap(([area, rows]) => partsOf(name, area, rows))
  return `${parts.join(', ')}${LIMITS[name].counts === 'address' ? ' from one address' : ''}`
}

/** An area that counts as one is named as a whole, call by call otherwise. */
function partsOf(name: LimitName, area: string, rows: readonly RouteRow[]): string[] {
  const counted = rows.filter(({ limit }) => limit === name)
  if (counted.length < rows.length) return counted.map(({ contract: { method, url } }) => `${method} ${url}`)
  return [rows.every(({ contract }) => contract.url === area) ? area : `${area} and below`]
}

/** `/api/v1/orders` of `/api/v1/orders/:id/cancel`. */
const areaOf = (url: string): string => /^\/api\/v1\/[^/]+/.exec(url)?.[0] ?? url

const AREAS = Map.groupBy(ROUTES, ({ contract }) => areaOf(contract.url))
