import type { Return } from '#contracts/http/returns.ts'
import type { ReturnRow } from '../rows.ts'

/** A return's row as the API shows it. */
export const presentReturn = (row: ReturnRow): Return => ({
  id: row.id,
  orderId: row.order_id,
  status: row.status,
  lines: row.lines.map(({ sku, quantity, reason }) => ({ sku, quantity, reason })),
  refund: row.goods === null ? null : row.goods + (row.shipping ?? 0),
})
