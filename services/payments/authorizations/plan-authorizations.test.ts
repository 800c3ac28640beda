/** Several authorizations of one payment: other methods after a decline, parcels. */
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { paymentsWorld } from '#tests/support/payments.ts'
import { answerSoon, createMemoryProvider } from '../test-support/memory-provider.ts'
import { newOrder, readBooks } from '../test-support/payments.ts'

const world = paymentsWorld()
const { use, live, keys, violations } = world

const DECLINED = 'pm_card_visa_chargeDeclined'
const SECURE = 'pm_card_authenticationRequired'

describe('another payment method', () => {
  it('follows a decline with a key of its own, and repeats of either give their answers', async () => {
    const order = newOrder({ paymentMethod: DECLINED })
    const declined = { outcome: 'declined', code: 'card_declined' }
    expect(await world.payments.authorize(order)).toEqual(declined)
    const second = { ...order, paymentMethod: 'pm_card_visa', request: 2 }
    expect(await world.payments.authorize(second)).toMatchObject({ outcome: 'authorized' })
    expect(await world.payments.authorize(order)).toEqual(declined)
    expect(await world.payments.authorize(second)).toMatchObject({ outcome: 'authorized' })
    expect(keys('authorize')).toEqual(['authorize:1', 'authorize:2'])
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
      events: ['payment.created', 'payment.declined', 'payment.authorized'],
    })
    expect(await violations(order)).toEqual([])
  })

  it('ends as failed when none was accepted', async () => {
    const order = newOrder({ paymentMethod: DECLINED })
    for (const request of [1, 2, 3]) await world.payments.authorize({ ...order, request })
    await world.payments.voidPayment(order)
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'failed',
      attempts: ['authorize:1 declined', 'authorize:2 declined', 'authorize:3 declined'],
    })
    expect(keys('void')).toEqual([])
  })

  it('is refused when it comes after a later one', async () => {
    const order = newOrder({ paymentMethod: DECLINED })
    await world.payments.authorize({ ...order, request: 3 })
    expect(await world.payments.authorize({ ...order, paymentMethod: 'pm_card_visa', request: 2 })).toEqual({
      outcome: 'declined',
      code: 'superseded',
    })
    expect(keys('authorize')).toEqual(['authorize:1'])
  })

  it('is released, not used, when a decline turns out to be an approval', async () => {
    const order = newOrder()
    world.provider.intercept = async (call, execute) => {
      if (call.key.endsWith('authorize:1')) {
        execute()
        return { outcome: 'declined', code: 'card_declined' }
      }
      return answerSoon(call, execute)
    }
    expect(await world.payments.authorize(order)).toMatchObject({ outcome: 'declined' })
    expect(await world.payments.authorize({ ...order, request: 2 })).toMatchObject({ outcome: 'authorized' })
    expect(live()).toHaveLength(2)
    await world.payments.reconcile(`${order.orderId}:authorize:1`)
    expect(live()).toEqual([`${order.orderId}:authorize:2`])
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
    })
    expect(await violations(order)).toEqual([])
  })
})

describe('a provider that captures an authorization only once', () => {
  const [first, second] = [randomUUID(), randomUUID()]
  const split = (overrides = {}) => ({
    ...newOrder(overrides),
    parts: [
      { shipmentId: first, amount: 4_500 },
      { shipmentId: second, amount: 5_500 },
    ],
  })
  beforeEach(() => use(createMemoryProvider({ multicapture: false })))

  it('gets an authorization for each parcel, and each captures its own', async () => {
    const order = split()
    expect(await world.payments.authorize(order)).toMatchObject({ outcome: 'authorized', capturedOnce: true })
    expect(await world.payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(world.provider.authorizations.map(({ amount }) => amount)).toEqual([4_500, 5_500])
    const { orderId } = order
    // the second parcel leaves first; the shipping stays with the parcel that it was authorized with
    expect(
      await world.payments.capture({ orderId, shipmentId: second, amount: 5_500, shipping: 500 }),
    ).toEqual({
      outcome: 'captured',
      captured: 5_500,
    })
    expect(await readBooks(world.database, orderId)).toMatchObject({ status: 'partially_captured' })
    expect(
      await world.payments.capture({ orderId, shipmentId: first, amount: 4_000, shipping: 500 }),
    ).toEqual({
      outcome: 'captured',
      captured: 4_500,
    })
    expect(await readBooks(world.database, orderId)).toMatchObject({
      status: 'captured',
      authorized: 10_000,
      captured: 10_000,
      released: 0,
    })
    expect(await violations(order)).toEqual([])
  })

  it('obtains all of them or none', async () => {
    const order = split()
    world.provider.intercept = async (call, execute) =>
      call.key.endsWith('authorize:2') ? { outcome: 'declined', code: 'card_declined' } : execute()
    expect(await world.payments.authorize(order)).toEqual({ outcome: 'declined', code: 'card_declined' })
    expect(live()).toEqual([])
    expect(await world.payments.authorize(order)).toEqual({ outcome: 'declined', code: 'card_declined' })
    expect(await readBooks(world.database, order.orderId)).toMatchObject({ status: 'created', authorized: 0 })
    expect(await violations(order)).toEqual([])
  })

  it('releases the share of a parcel that was given up, and that alone', async () => {
    const order = split()
    await world.payments.authorize(order)
    const { orderId } = order
    for (let time = 0; time < 2; time++) await world.payments.releaseParcel({ orderId, shipmentId: second })
    expect(live()).toEqual([`${orderId}:authorize:1`])
    expect(
      await world.payments.capture({ orderId, shipmentId: second, amount: 5_500, shipping: 0 }),
    ).toMatchObject({
      outcome: 'refused',
    })
    await world.payments.capture({ orderId, shipmentId: first, amount: 4_000, shipping: 500 })
    expect(await readBooks(world.database, orderId)).toMatchObject({
      status: 'captured',
      captured: 4_500,
      released: 5_500,
    })
    expect(await violations(order)).toEqual([])
  })

  it('refuses parts that do not sum to the total, and asks for nothing', async () => {
    const order = { ...split(), amount: 9_999 }
    await expect(world.payments.authorize(order)).rejects.toMatchObject({ type: FAILURE.refused })
    expect(world.provider.calls).toEqual([])
  })

  it('is told of every approval before it captures', async () => {
    const order = split({ paymentMethod: SECURE })
    const { orderId } = order
    expect(await world.payments.authorize(order)).toEqual({
      outcome: 'requires_action',
      url: `https://bank.test/${orderId}:authorize:1`,
    })
    world.provider.authenticate(`${orderId}:authorize:1`, true)
    expect(await world.payments.authorize(order)).toEqual({
      outcome: 'requires_action',
      url: `https://bank.test/${orderId}:authorize:2`,
    })
    world.provider.authenticate(`${orderId}:authorize:2`, false)
    expect(await world.payments.authorize(order)).toEqual({
      outcome: 'declined',
      code: 'authentication_failed',
    })
    expect(live()).toEqual([])
    expect(await violations(order)).toEqual([])
  })

  it('releases nothing of one that serves all parcels', async () => {
    use(createMemoryProvider())
    const order = split()
    await world.payments.authorize(order)
    await world.payments.releaseParcel({ orderId: order.orderId, shipmentId: second })
    expect(world.provider.authorizations.map(({ amount }) => amount)).toEqual([10_000])
    expect(keys('void')).toEqual([])
  })
})
