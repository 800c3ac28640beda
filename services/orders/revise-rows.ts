/** The order's rows as what is sold from now on, with the event that says so. */
import { appendEvent } from '#platform/events/outbox.ts'
import { formatMoney } from '#contracts/money.ts'
import type { PricedOrder, SellableLine } from './pricing/total-order.ts'
import type { LockedOrder } from './lock-order.ts'
import type { OrdersTransaction } from './store.ts'
import { addToTimeline } from './timeline.ts'
import type { TaxClass } from '#contracts/http/inventory.ts'

/** Replaces lines and totals; one version, one event. Call it under the order's lock. */
export async function reviseRows(
  tx: OrdersTransaction,
  order: LockedOrder,
  priced: PricedOrder,
  { reason }: { reason: 'amendment' | 'shortage' },
): Promise<void> {
  const { id, number, customer_id: customerId, currency, status } = order
  const version = order.version + 1
  const { subtotal, tax, shipping, shippingTax, total } = priced
  const lines = priced.lines.map((line, position) => ({ ...line, position }))
  await tx.$executeRaw`DELETE FROM order_lines WHERE order_id = ${id}::uuid`
  await tx.$executeRaw`
    INSERT INTO order_lines (order_id, position, sku, name, quantity, unit_price, total, tax, tax_class, weight_grams)
    SELECT ${id}::uuid, position, sku, name, quantity, "unitPrice", total, tax, "taxClass", "weightGrams"
    FROM jsonb_to_recordset(${JSON.stringify(lines)}::jsonb)
      AS line (position int, sku text, name text, quantity int, "unitPrice" bigint, total bigint, tax bigint,
               "taxClass" text, "weightGrams" int)`
  await tx.$executeRaw`
    UPDATE orders SET subtotal = ${subtotal}, tax = ${tax - shippingTax}, shipping = ${shipping},
      shipping_tax = ${shippingTax}, total = ${total}, version = ${version}, updated_at = now()
    WHERE id = ${id}::uuid`
  await appendEvent(tx, {
    type: 'order.revised',
    aggregateId: id,
    version,
    payload: { orderId: id, customerId, number, status, reason, currency, total },
  })
  await addToTimeline(tx, id, [
    {
      kind: 'event',
      name: 'order.revised',
      status,
      detail: `${reason}: ${formatMoney(total, currency)}`,
      source: `version:${version}`,
    },
  ])
}

interface LineRow {
  sku: string
  name: string
  quantity: number
  unit_price: bigint
  tax_class: TaxClass
  weight_grams: number
}

/** The order's lines as they are sold. */
export async function readLines(tx: OrdersTransaction, orderId: string): Promise<SellableLine[]> {
  const rows = await tx.$queryRaw<LineRow[]>`
    SELECT sku, name, quantity, unit_price, tax_class, weight_grams FROM order_lines
    WHERE order_id = ${orderId}::uuid ORDER BY position`
  return rows.map(({ sku, name, quantity, unit_price: unitPrice, tax_class: taxClass, ...row }) => ({
    sku,
    name,
    quantity,
    unitPrice: Number(unitPrice),
    taxClass,
    weightGrams: row.weight_grams,
  }))
}
