/**
 * Accepts an order: one transaction writes the order, its event, the request to start its workflow and the answer for its
 * key. What was answered is never lost, whatever is down at that moment.
 */
import { v7 as uuid } from 'uuid'
import type { Order, PlaceOrderBody } from '#contracts/http/orders.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Finish } from '#platform/idempotency.ts'
import { ProblemError } from '#platform/problem.ts'
import { currentTrace } from '#platform/trace.ts'
import { announceStatus } from './order-event.ts'
import { assertPaymentMethod } from './payment-method.ts'
import { presentOrder } from './present-order.ts'
import { priceOrder } from './pricing/price-order.ts'
import type { PricedOrder, Pricing } from './pricing/total-order.ts'
import type { OrdersDatabase, OrdersTransaction } from './store.ts'
import { addToTimeline } from './timeline.ts'

export interface PlaceOrderInput {
  customerId: string
  body: PlaceOrderBody
  requestId: string
  /** Stores the answer beside the order. */
  finish: Finish
}

interface Dependencies {
  database: OrdersDatabase
  transact: UnitOfWork<OrdersTransaction>
  pricing: Pricing
}

/** @throws ProblemError for what cannot be ordered; then nothing was written */
export const createPlaceOrder =
  ({ database, transact, pricing }: Dependencies) =>
  async ({ customerId, body, requestId, finish }: PlaceOrderInput): Promise<Order> => {
    assertPaymentMethod(body.paymentMethod)
    const priced = await priceOrder(database, {
      lines: body.lines,
      country: body.shippingAddress.country,
      pricing,
    })
    if (body.expectedTotal !== undefined && body.expectedTotal !== priced.total) {
      throw new ProblemError(
        'total_mismatch',
        `The order costs ${priced.total}, not ${body.expectedTotal}.`,
        {
          errors: [{ path: 'expectedTotal', message: `the total is ${priced.total}` }],
        },
      )
    }
    const id = uuid()
    return transact(async (tx) => {
      const { number, created_at } = await insertOrder(tx, { id, customerId, body, priced })
      await addToTimeline(tx, id, [
        { kind: 'request', name: 'placeOrder', status: 'accepted', source: `request:${requestId}` },
        { kind: 'event', name: 'order.created', status: 'placed', source: 'status:placed' },
      ])
      const facts = { id, number, customer_id: customerId, currency: priced.currency, total: priced.total }
      await announceStatus(tx, facts, { status: 'placed', version: 1, reason: null })
      const order = presentNewOrder({ id, number, customerId, createdAt: created_at, body, priced })
      await finish(tx, { status: 201, body: order })
      return order
    })
  }

interface NewOrder {
  id: string
  customerId: string
  body: PlaceOrderBody
  priced: PricedOrder
}

/** The order, its lines and the request to start its workflow, in one statement. */
async function insertOrder(
  tx: OrdersTransaction,
  { id, customerId, body, priced }: NewOrder,
): Promise<{ number: string; created_at: Date }> {
  const { currency, subtotal, tax, shipping, shippingTax, total } = priced
  const lines = priced.lines.map((line, position) => ({ ...line, position }))
  const [inserted] = await tx.$queryRaw<{ number: string; created_at: Date }[]>`
    WITH new_order AS (
      INSERT INTO orders (id, number, customer_id, status, currency, subtotal, tax, shipping, shipping_tax, total,
                          shipping_address, payment_method, on_shortage)
      VALUES (${id}::uuid, 'M-' || nextval('order_numbers'), ${customerId}::uuid, 'placed', ${currency}, ${subtotal},
              ${tax - shippingTax}, ${shipping}, ${shippingTax}, ${total},
              ${JSON.stringify(body.shippingAddress)}::jsonb, ${body.paymentMethod}, ${body.onShortage ?? 'reject'})
      RETURNING id, number, created_at
    ), new_lines AS (
      INSERT INTO order_lines (order_id, position, sku, name, quantity, unit_price, total, tax, tax_class, weight_grams)
      SELECT new_order.id, position, sku, name, quantity, "unitPrice", total, tax, "taxClass", "weightGrams"
      FROM new_order, jsonb_to_recordset(${JSON.stringify(lines)}::jsonb)
        AS line (position int, sku text, name text, quantity int, "unitPrice" bigint, total bigint, tax bigint,
                 "taxClass" text, "weightGrams" int)
    ), new_start AS (
      INSERT INTO workflow_starts (order_id, trace)
      SELECT id, ${currentTrace()?.traceparent ?? null} FROM new_order
    )
    SELECT number, created_at FROM new_order`
  if (inserted === undefined) throw new Error('the order was not inserted')
  return inserted
}

const presentNewOrder = ({
  id,
  number,
  customerId,
  createdAt,
  body,
  priced,
}: NewOrder & { number: string; createdAt: Date }): Order =>
  presentOrder({
    id,
    number,
    customer_id: customerId,
    status: 'placed',
    reason_code: null,
    reason_message: null,
    currency: priced.currency,
    subtotal: BigInt(priced.subtotal),
    tax: BigInt(priced.tax),
    shipping: BigInt(priced.shipping),
    total: BigInt(priced.total),
    shipping_address: body.shippingAddress,
    attention: null,
    concerned: false,
    cancel_accepted: false,
    waiting_for: null,
    version: 1,
    created_at: createdAt,
    updated_at: createdAt,
    lines: priced.lines.map(({ unitPrice, ...line }) => ({ ...line, unit_price: unitPrice })),
    payment: null,
    shipments: [],
    returns: [],
    lost_parcels: [],
  })
