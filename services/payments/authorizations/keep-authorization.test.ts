/** A second authorization of one payment: an amendment's, which is kept or given up. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { paymentsWorld } from '#tests/support/payments.ts'
import { createPayments, newOrder, readBooks } from '../test-support/payments.ts'

const world = paymentsWorld()
const { live, keys, violations } = world

const DECLINED = 'pm_card_visa_chargeDeclined'

describe('an amendment', () => {
  const amended = (order: ReturnType<typeof newOrder>) => ({ ...order, amount: 15_000, request: 2 })

  it('authorizes the whole new total beside the old one, and counts when it is kept', async () => {
    const order = newOrder()
    await world.payments.authorize(order)
    expect(await world.payments.authorize(amended(order))).toMatchObject({ outcome: 'authorized' })
    expect(live()).toHaveLength(2)
    expect(await readBooks(world.database, order.orderId)).toMatchObject({ authorized: 10_000 })
    for (let time = 0; time < 2; time++) await world.payments.keep({ orderId: order.orderId, request: 2 })
    expect(live()).toEqual([`${order.orderId}:authorize:2`])
    expect(keys('void')).toEqual(['void:1'])
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 15_000,
      released: 0,
    })
    expect(await violations(order)).toEqual([])
    const shipmentId = randomUUID()
    expect(
      await world.payments.capture({ orderId: order.orderId, shipmentId, amount: 14_000, shipping: 1_000 }),
    ).toEqual({ outcome: 'captured', captured: 15_000 })
    expect(await violations(order)).toEqual([])
  })

  it('that fails leaves the old authorization, and the new one is released', async () => {
    const order = newOrder()
    await world.payments.authorize(order)
    await world.payments.authorize(amended(order))
    await world.payments.keep({ orderId: order.orderId, request: 1 })
    expect(live()).toEqual([`${order.orderId}:authorize:1`])
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
      released: 0,
    })
    expect(await violations(order)).toEqual([])
  })

  it('that is declined leaves everything as it was', async () => {
    const order = newOrder()
    await world.payments.authorize(order)
    expect(await world.payments.authorize({ ...amended(order), paymentMethod: DECLINED })).toMatchObject({
      outcome: 'declined',
    })
    await world.payments.keep({ orderId: order.orderId, request: 1 })
    expect(keys('void')).toEqual([])
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
    })
    expect(await violations(order)).toEqual([])
  })

  it('that was given up finds its end when it comes late', async () => {
    const order = newOrder()
    await world.payments.authorize(order)
    await world.payments.keep({ orderId: order.orderId, request: 1, givenUp: 2 })
    expect(await world.payments.authorize(amended(order))).toEqual({
      outcome: 'declined',
      code: 'superseded',
    })
    expect(await world.payments.authorize({ ...amended(order), request: 3 })).toMatchObject({
      outcome: 'authorized',
    })
    expect(keys('authorize')).toEqual(['authorize:1', 'authorize:2'])
  })

  it('is not kept when it has nothing authorized, and nothing changes', async () => {
    const order = newOrder()
    await world.payments.authorize(order)
    await world.payments.authorize({ ...amended(order), paymentMethod: DECLINED })
    const before = await readBooks(world.database, order.orderId)
    await expect(world.payments.keep({ orderId: order.orderId, request: 2 })).rejects.toMatchObject({
      type: FAILURE.refused,
    })
    expect(await readBooks(world.database, order.orderId)).toEqual(before)
    expect(live()).toEqual([`${order.orderId}:authorize:1`])
  })

  it('is not kept after a parcel was paid, and nothing changes', async () => {
    const order = newOrder()
    const { orderId } = order
    await world.payments.authorize(order)
    await world.payments.authorize(amended(order))
    await world.payments.capture({ orderId, shipmentId: randomUUID(), amount: 4_000, shipping: 0 })
    const before = await readBooks(world.database, orderId)
    await expect(world.payments.keep({ orderId, request: 2 })).rejects.toMatchObject({
      type: FAILURE.refused,
    })
    expect(await readBooks(world.database, orderId)).toEqual(before)
    await world.payments.keep({ orderId, request: 1 })
    expect(live()).toEqual([`${orderId}:authorize:1`])
    expect(await violations(order)).toEqual([])
  })

  it('of an order that cost nothing', async () => {
    const order = newOrder({ amount: 0 })
    await world.payments.authorize(order)
    const second = { ...order, amount: 5_000, request: 2 }
    await world.payments.authorize(second)
    expect(await readBooks(world.database, order.orderId)).toMatchObject({ status: 'not_required' })
    await world.payments.keep({ orderId: order.orderId, request: 2 })
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 5_000,
    })
    expect(await violations(order)).toEqual([])
  })

  it('goes on after a crash at any of its transactions', async () => {
    for (let crash = 1; crash <= 8; crash++) {
      const order = newOrder()
      await world.payments.authorize(order)
      let transactions = 0
      const crashing = createPayments(world.database, world.provider, {
        transact: (work) =>
          ++transactions === crash
            ? Promise.reject(new Error('the process died'))
            : world.payments.dependencies.transact(work),
      })
      const amend = async (through: typeof world.payments) => {
        await through.authorize(amended(order))
        await through.keep({ orderId: order.orderId, request: 2 })
      }
      await amend(crashing).catch(() => {})
      await world.database.$executeRaw`UPDATE attempts SET deadline = NULL`
      await amend(world.payments)
      expect(live().filter((each) => each.startsWith(order.orderId))).toEqual([
        `${order.orderId}:authorize:2`,
      ])
      expect(await violations(order)).toEqual([])
    }
  })
})
