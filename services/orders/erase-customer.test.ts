import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { erasureConsumer } from './erase-customer.ts'
import { createRecordProgress } from './record-progress.ts'

let orders: TestOrders

beforeAll(async () => {
  orders = await testOrders()
})

const erased = (userId: string) =>
  erasureConsumer(orders.transact).handle({
    eventId: randomUUID(),
    eventType: 'user.erased',
    aggregateId: userId,
    timestamp: new Date().toISOString(),
    version: 2,
    payload: { userId },
  })

const reject = (orderId: string) =>
  createRecordProgress(orders.transact)({
    orderId,
    status: 'rejected',
    reason: { code: 'declined', message: '' },
    steps: [],
  })

const addressOf = async (id: string) =>
  (await orders.database.order.findUniqueOrThrow({ where: { id } })).shippingAddress

const ANONYMOUS = { name: 'erased', line1: 'erased', city: 'erased', postalCode: 'erased', country: 'NL' }

describe('an erased customer', () => {
  it('leaves no address in orders that have ended, and no stored answer', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    await reject(id)
    await erased(customerId)
    expect(await addressOf(id)).toEqual(ANONYMOUS)
    expect(await orders.database.idempotencyKey.count({ where: { caller: customerId } })).toBe(0)
  })

  it('keeps the address of an order that still has to be sent, until it ends', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    await erased(customerId)
    expect(await addressOf(id)).toMatchObject({ country: 'NL', line1: 'Keizersgracht 1' })
    await reject(id)
    expect(await addressOf(id)).toEqual(ANONYMOUS)
  })

  it('is not found in what operators were answered, nor in why something was sent back', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    const { database } = orders
    const key = {
      caller: randomUUID(),
      key: 'k',
      fingerprint: 'f',
      token: randomUUID(),
      leaseUntil: new Date(),
    }
    await database.idempotencyKey.create({
      data: {
        ...key,
        expiresAt: new Date(),
        status: 202,
        body: { id, customerId, line1: 'Keizersgracht 1' },
      },
    })
    const reason = 'I am too tall for it'
    const sentBack = { id: randomUUID(), orderId: id, customerId, status: 'requested' }
    await database.return.create({
      data: { ...sentBack, lines: { create: { position: 0, sku: 'TEE', quantity: 1, reason } } },
    })
    await erased(customerId)
    expect(await database.idempotencyKey.count({ where: { caller: key.caller } })).toBe(0)
    const lines = await database.returnLine.findMany({ where: { returnId: sentBack.id } })
    expect(lines.map((line) => line.reason)).toEqual(['erased'])
  })

  it('changes nothing for anybody else', async () => {
    const { id } = await orders.place()
    await reject(id)
    await erased(randomUUID())
    expect(await addressOf(id)).toMatchObject({ line1: 'Keizersgracht 1' })
  })
})
