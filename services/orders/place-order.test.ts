import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { EVENTS } from '#contracts/events.ts'
import type { PlaceOrderBody } from '#contracts/http/orders.ts'
import { once } from '#platform/idempotency.ts'
import { continueTrace, withTrace } from '#platform/trace.ts'
import { parser } from '#platform/validation.ts'
import { orderBody, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createPlaceOrder } from './place-order.ts'
import { findOrder } from './store.ts'

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders(20)
})

const parsePayload = parser('the payload', EVENTS['order.created'].payload)

describe('placeOrder', () => {
  it('writes the order, its lines, its event, the request to start it, its timeline and the answer', async () => {
    const before = await orders.counts()
    const customerId = randomUUID()
    const trace = continueTrace(undefined)
    const lines = [
      { sku: 'TEE', quantity: 2 },
      { sku: 'BOOK', quantity: 1 },
    ]
    const order = await withTrace(trace, () => orders.place(customerId, { lines }))
    const after = await orders.counts()
    expect(Object.keys(after).map((table) => [table, after[table]! - before[table]!])).toEqual([
      ['orders', 1],
      ['lines', 2],
      ['events', 1],
      ['starts', 1],
      ['timeline', 2],
      ['keys', 1],
    ])
    expect(await findOrder(orders.database, order.id, customerId)).toEqual(order)
    expect(order.number).toMatch(/^M-\d{6}$/)
    expect([order.status, order.version, order.actions]).toEqual(['placed', 1, ['cancel', 'amend']])

    const [event] = await orders.database.outbox.findMany({ where: { aggregateId: order.id } })
    expect(event).toMatchObject({ type: 'order.created', version: 1, trace: trace.traceparent })
    expect(parsePayload(event?.payload)).toMatchObject({ orderId: order.id, customerId, total: order.total })
    expect(JSON.stringify(event?.payload)).not.toMatch(/Ada|Keizersgracht|pm_card/)

    const start = await orders.database.workflowStart.findUniqueOrThrow({ where: { orderId: order.id } })
    expect(start.trace).toBe(trace.traceparent)
    const key = await orders.database.idempotencyKey.findFirstOrThrow({ where: { caller: customerId } })
    expect([key.status, key.body]).toEqual([201, order])
  })

  it.each<[string, Partial<PlaceOrderBody>]>([
    ['unknown_sku', { lines: [{ sku: 'NOPE', quantity: 1 }] }],
    ['product_inactive', { lines: [{ sku: 'OLD', quantity: 1 }] }],
    ['total_mismatch', { expectedTotal: 1 }],
  ])('refuses with %s and writes nothing', async (code, changes) => {
    const before = await orders.counts()
    await expect(orders.place(randomUUID(), changes)).rejects.toMatchObject({ code, status: 422 })
    expect(await orders.counts()).toEqual(before)
  })

  it('takes an order at the total that the customer expects', async () => {
    const { total } = await orders.place()
    expect((await orders.place(randomUUID(), { expectedTotal: total })).total).toBe(total)
  })

  it('writes nothing when the answer cannot be stored', async () => {
    const before = await orders.counts()
    const placeOrder = createPlaceOrder(orders)
    const placing = placeOrder({
      customerId: randomUUID(),
      body: orderBody(),
      requestId: 'r',
      finish: () => Promise.reject(new Error('fenced')),
    })
    await expect(placing).rejects.toThrow('fenced')
    expect(await orders.counts()).toEqual(before)
  })

  it('places one order for one key, however often it comes at once, and gives every order its own number', async () => {
    const customerId = randomUUID()
    const placeOrder = createPlaceOrder(orders)
    const command = { caller: customerId, key: 'k', method: 'POST', route: '/orders', body: orderBody() }
    const attempts = await Promise.allSettled(
      Array.from({ length: 20 }, () =>
        once(orders.database, command, async (finish) => ({
          status: 201,
          body: await placeOrder({ customerId, body: orderBody(), requestId: randomUUID(), finish }),
        })),
      ),
    )
    const ids = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value.body.id] : []))
    expect(new Set(ids).size).toBe(1)
    expect(await orders.database.order.count({ where: { customerId } })).toBe(1)
    const others = await Promise.all(Array.from({ length: 10 }, () => orders.place()))
    expect(new Set(others.map(({ number }) => number)).size).toBe(10)
  })
})
