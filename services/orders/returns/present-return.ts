import type { Return } from '#contracts/http/returns.ts'
import type { ReturnRow } from '../rows.ts'

/** A return's row as the API shows it. */
export const presentReturn = (row: ReturnRow): Return => ({
  id: row.id,
  orderId: row.order_id,
  status: row.status,
  lines: row.lines.map(({ sku, quantity, reason }) => ({ sku, quantity, reason })),
  refund: refundOf(row),
})

/** A return with its version, which callers are told as the ETag. */
export interface VersionedReturn extends Return {
  version: number
}

export const withVersion = (row: ReturnRow & { version: number }): VersionedReturn => ({
  ...presentReturn(row),
  version: row.version,
})

function refundOf({ status, goods, shipping, refunded, left }: ReturnRow): number | null {
  if (status === 'requested' || status === 'rejected' || status === 'cancelled') return null
  if (refunded !== null || goods === null) return refunded
  if (shipping !== null) return goods + shipping
  // until it pays, the money may go back otherwise
  return left === null ? goods : Math.min(goods, Math.max(0, left))
}
