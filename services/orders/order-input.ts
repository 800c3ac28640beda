/** The workflow's input, made from the order's rows and today's policy: the same whoever starts the workflow. */
import type { OrderInput, OrderWorkflowLine, SagaPolicy, ShortagePolicy } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import type { OrdersConfig } from './config.ts'

interface Row {
  number: string
  customer_id: string
  currency: string
  total: bigint
  shipping: bigint
  shipping_tax: bigint
  payment_method: string
  on_shortage: ShortagePolicy
  lines: OrderWorkflowLine[]
}

export const sagaPolicy = (config: OrdersConfig): SagaPolicy => ({
  stepAttempts: config.SAGA_STEP_ATTEMPTS,
  compensationAttempts: config.SAGA_COMPENSATION_ATTEMPTS,
  maximumIntervalSeconds: config.SAGA_MAXIMUM_INTERVAL_SECONDS,
  waits: {
    decisionSeconds: config.SHORTAGE_DECISION_SECONDS,
    paymentSeconds: config.PAYMENT_ACTION_SECONDS,
    paymentTries: config.PAYMENT_TRIES,
    backorderSeconds: config.BACKORDER_SECONDS,
    amendmentSeconds: config.AMENDMENT_SECONDS,
    dispatchSeconds: config.DISPATCH_SECONDS,
    deliverySeconds: config.DELIVERY_SECONDS,
    lostParcel: config.LOST_PARCEL,
  },
  followsSpending: true,
  ...(config.SAGA_CONTINUE_AFTER_EVENTS === undefined
    ? {}
    : { continueAfterEvents: config.SAGA_CONTINUE_AFTER_EVENTS }),
})

export async function loadOrderInput(
  database: Sql,
  orderId: string,
  policy: SagaPolicy,
): Promise<OrderInput> {
  const [row] = await database.$queryRaw<Row[]>`
    SELECT number, customer_id, currency, total, shipping, shipping_tax, payment_method, on_shortage,
      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity, 'total', total, 'tax', tax) ORDER BY position)
         FROM order_lines WHERE order_id = orders.id) AS lines
    FROM orders WHERE id = ${orderId}::uuid`
  if (row === undefined) throw new Error(`there is no order ${orderId}`)
  return {
    orderId,
    number: row.number,
    customerId: row.customer_id,
    currency: row.currency,
    total: Number(row.total),
    shipping: Number(row.shipping),
    shippingTax: Number(row.shipping_tax),
    lines: row.lines,
    paymentMethod: row.payment_method,
    onShortage: row.on_shortage,
    policy,
  }
}
