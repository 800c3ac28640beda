/** The return workflow's input, made from the return's rows: the same whoever starts the workflow, and whenever. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { ReturnInput } from '#contracts/return-workflow.ts'
import type { SagaPolicy } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import type { OrdersConfig } from '../config.ts'
import { countUnits } from '../units.ts'

const DAY_SECONDS = 86_400

export interface ReturnTerms {
  policy: SagaPolicy
  refundOn: ReturnInput['refundOn']
  arrivalSeconds: number
}

export const returnTerms = (config: OrdersConfig, policy: SagaPolicy): ReturnTerms => ({
  policy,
  refundOn: config.REFUND_ON,
  arrivalSeconds: config.RETURN_ARRIVAL_DAYS * DAY_SECONDS,
})

interface Row {
  order_id: string
  customer_id: string
  number: string
  currency: string
  lines: SkuQuantity[]
}

export async function loadReturnInput(
  database: Sql,
  returnId: string,
  terms: ReturnTerms,
): Promise<ReturnInput> {
  const [row] = await database.$queryRaw<Row[]>`
    SELECT order_id, returns.customer_id, number, currency,
      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity) ORDER BY position) FROM return_lines
        WHERE return_id = returns.id) AS lines
    FROM returns JOIN orders ON orders.id = order_id WHERE returns.id = ${returnId}::uuid`
  if (row === undefined) throw new Error(`there is no return ${returnId}`)
  return {
    returnId,
    orderId: row.order_id,
    customerId: row.customer_id,
    number: row.number,
    currency: row.currency,
    lines: [...countUnits(row.lines)].map(([sku, quantity]) => ({ sku, quantity })),
    ...terms,
  }
}
