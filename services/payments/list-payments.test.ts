import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Caller } from '#platform/service-token.ts'
import { freshDatabase } from '#tests/support/database.ts'
import type { Store } from './store.ts'
import { openDoor } from './test-support/door.ts'
import { createMemoryProvider } from './test-support/memory-provider.ts'
import { createPayments, newOrder, openTestStore, type Payments } from './test-support/payments.ts'

let database: Store
let payments: Payments
let caller: Caller

beforeAll(async () => {
  database = openTestStore(await freshDatabase('payments'))
  payments = createPayments(database, createMemoryProvider())
})
afterAll(() => database.$disconnect())

describe('the list of payments', () => {
  const read = (orderId: string) =>
    openDoor({ database, payments, caller }).inject({
      method: 'GET',
      url: `/api/v1/orders/${orderId}/payments`,
    })
  const user = (subject: string, roles: Caller['roles']): Caller => ({
    kind: 'user',
    subject,
    roles,
    scopes: ['*'],
  })

  it('shows owners and operators every attempt, and strangers nothing', async () => {
    const order = newOrder()
    await payments.authorize(order)
    await payments.voidPayment(order)
    for (const who of [user(order.customerId, ['customer']), user(randomUUID(), ['operator'])]) {
      caller = who
      const answer = await read(order.orderId)
      expect(answer.statusCode).toBe(200)
      expect(answer.json()).toMatchObject({
        data: [
          {
            orderId: order.orderId,
            status: 'voided',
            amount: 10_000,
            released: 10_000,
            method: { brand: 'visa', last4: '4242' },
            attempts: [
              { operation: 'authorize', status: 'succeeded', amount: 10_000, errorCode: null },
              { operation: 'void', status: 'succeeded', amount: 10_000, errorCode: null },
            ],
          },
        ],
        nextCursor: null,
      })
    }
    caller = user(randomUUID(), ['customer'])
    expect((await read(order.orderId)).statusCode).toBe(404)
  })

  it('does not take a tombstone for a payment', async () => {
    const order = newOrder()
    await payments.voidPayment(order)
    caller = user(randomUUID(), ['operator'])
    expect((await read(order.orderId)).statusCode).toBe(404)
  })
})
