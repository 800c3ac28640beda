/** What an order sells and for how much, as its workflow needs to know it. */
import type { OrderTerms, OrderWorkflowLine } from '#contracts/workflows.ts'
import type { OrdersTransaction } from './store.ts'

export interface StandingTerms extends OrderTerms {
  currency: string
  /** Where it is sent. */
  country: string
}

interface Row {
  lines: OrderWorkflowLine[]
  shipping: bigint
  shipping_tax: bigint
  total: bigint
  currency: string
  country: string
}

/** The order as it stands. */
export async function readTerms(
  tx: Pick<OrdersTransaction, '$queryRaw'>,
  orderId: string,
): Promise<StandingTerms> {
  const [row] = await tx.$queryRaw<Row[]>`
    SELECT shipping, shipping_tax, total, currency, shipping_address->>'country' AS country,
      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity, 'total', total, 'tax', tax) ORDER BY position)
         FROM order_lines WHERE order_id = orders.id) AS lines
    FROM orders WHERE id = ${orderId}::uuid`
  if (row === undefined) throw new Error(`there is no order ${orderId}`)
  const { lines, currency, country } = row
  return {
    lines,
    shipping: Number(row.shipping),
    shippingTax: Number(row.shipping_tax),
    total: Number(row.total),
    currency,
    country,
  }
}

/** Only what a workflow is told: neither names nor prices per unit. */
export const toTerms = ({ lines, shipping, shippingTax, total }: OrderTerms): OrderTerms => ({
  lines: lines.map((line) => ({
    sku: line.sku,
    quantity: line.quantity,
    total: line.total,
    tax: line.tax,
  })),
  shipping,
  shippingTax,
  total,
})
