import { randomUUID } from 'node:crypto'
import { beforeEach, expect, it } from 'vitest'
import { paymentsStore } from '#tests/support/payments.ts'
import { erasureConsumer } from './erase-customer.ts'
import { openDoor } from './test-support/door.ts'
import { createMemoryProvider } from './test-support/memory-provider.ts'
import { createPayments, newOrder } from './test-support/payments.ts'

const database = await paymentsStore()
const payments = createPayments(database, createMemoryProvider())
let order: ReturnType<typeof newOrder>
beforeEach(async () => {
  order = newOrder()
  await payments.authorize(order)
  await payments.capture({ orderId: order.orderId, shipmentId: randomUUID(), amount: 10_000, shipping: 0 })
})

const erased = (userId: string) =>
  erasureConsumer(payments.dependencies.transact).handle({
    eventId: randomUUID(),
    eventType: 'user.erased',
    aggregateId: userId,
    timestamp: new Date().toISOString(),
    version: 2,
    payload: { userId },
  })

const caller = { kind: 'user' as const, subject: randomUUID(), roles: ['operator' as const], scopes: ['*'] }

/** An operator gives money back, with a key. */
const refund = async (key: string) =>
  (
    await openDoor({ database, payments, caller }).inject({
      method: 'POST',
      url: `/api/v1/orders/${order.orderId}/refunds`,
      payload: { amount: 1_000, reason: 'Jane Doe called' },
      headers: { 'idempotency-key': key },
    })
  ).json()

async function reasons(): Promise<[number, string][]> {
  const refunds = await database.refund.findMany({
    where: { payment: { orderId: order.orderId } },
    orderBy: { createdAt: 'asc' },
  })
  return refunds.map(({ amount, reason }) => [Number(amount), reason])
}

it('an erased customer is not found in why money was given back, nor in what operators were answered', async () => {
  const key = randomUUID()
  const first = await refund(key)
  await payments.refund({ orderId: order.orderId, refundId: randomUUID(), amount: 500, reason: 'return' })
  await erased(order.customerId)
  expect(await reasons()).toEqual([
    [1_000, 'erased'],
    [500, 'return'],
  ])
  expect(await refund(key)).toEqual({ ...first, reason: 'erased' })
  expect(await reasons()).toHaveLength(2)
})

it('nobody else is forgotten', async () => {
  const key = randomUUID()
  const first = await refund(key)
  await erased(randomUUID())
  expect(await reasons()).toEqual([[1_000, 'Jane Doe called']])
  expect(await refund(key)).toEqual(first)
})
