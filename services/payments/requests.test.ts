/** Several authorizations of one payment: other methods after a decline, amendments, parcels. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { freshDatabase } from '#tests/support/database.ts'
import { openAt } from './providers/provider.ts'
import type { Store } from './store.ts'
import { answerSoon, createMemoryProvider, type MemoryProvider } from './test-support/memory-provider.ts'
import {
  createPayments,
  findViolations,
  newOrder,
  openTestStore,
  readBooks,
} from './test-support/payments.ts'

let database: Store
let provider: MemoryProvider
let payments: ReturnType<typeof createPayments>

beforeAll(async () => {
  database = openTestStore(await freshDatabase('payments'))
})
afterAll(() => database.$disconnect())
beforeEach(() => use(createMemoryProvider()))

function use(memory: MemoryProvider): void {
  provider = memory
  payments = createPayments(database, provider)
}

const DECLINED = 'pm_card_visa_chargeDeclined'
const SECURE = 'pm_card_authenticationRequired'

const live = () =>
  provider.authorizations.filter((each) => openAt(each) > 0).map(({ reference }) => reference)
const keys = (operation: string) =>
  provider.calls
    .filter((call) => call.operation === operation)
    .map(({ key }) => key.split(':').slice(1).join(':'))
const violations = ({ orderId }: { orderId: string }) =>
  findViolations(database, orderId, provider.authorizations)

describe('another payment method', () => {
  it('follows a decline with a key of its own, and repeats of either give their answers', async () => {
    const order = newOrder({ paymentMethod: DECLINED })
    const declined = { outcome: 'declined', code: 'card_declined' }
    expect(await payments.authorize(order)).toEqual(declined)
    const second = { ...order, paymentMethod: 'pm_card_visa', request: 2 }
    expect(await payments.authorize(second)).toMatchObject({ outcome: 'authorized' })
    expect(await payments.authorize(order)).toEqual(declined)
    expect(await payments.authorize(second)).toMatchObject({ outcome: 'authorized' })
    expect(keys('authorize')).toEqual(['authorize:1', 'authorize:2'])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
      events: ['payment.created', 'payment.declined', 'payment.authorized'],
    })
    expect(await violations(order)).toEqual([])
  })

  it('ends as failed when none was accepted', async () => {
    const order = newOrder({ paymentMethod: DECLINED })
    for (const request of [1, 2, 3]) await payments.authorize({ ...order, request })
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'failed',
      attempts: ['authorize:1 declined', 'authorize:2 declined', 'authorize:3 declined'],
    })
    expect(keys('void')).toEqual([])
  })

  it('is refused when it comes after a later one', async () => {
    const order = newOrder({ paymentMethod: DECLINED })
    await payments.authorize({ ...order, request: 3 })
    expect(await payments.authorize({ ...order, paymentMethod: 'pm_card_visa', request: 2 })).toEqual({
      outcome: 'declined',
      code: 'superseded',
    })
    expect(keys('authorize')).toEqual(['authorize:1'])
  })

  it('is released, not used, when a decline turns out to be an approval', async () => {
    const order = newOrder()
    provider.intercept = async (call, execute) => {
      if (call.key.endsWith('authorize:1')) {
        execute()
        return { outcome: 'declined', code: 'card_declined' }
      }
      return answerSoon(call, execute)
    }
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'declined' })
    expect(await payments.authorize({ ...order, request: 2 })).toMatchObject({ outcome: 'authorized' })
    expect(live()).toHaveLength(2)
    await payments.reconcile(`${order.orderId}:authorize:1`)
    expect(live()).toEqual([`${order.orderId}:authorize:2`])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
    })
    expect(await violations(order)).toEqual([])
  })
})

describe('an amendment', () => {
  const amended = (order: ReturnType<typeof newOrder>) => ({ ...order, amount: 15_000, request: 2 })

  it('authorizes the whole new total beside the old one, and counts when it is kept', async () => {
    const order = newOrder()
    await payments.authorize(order)
    expect(await payments.authorize(amended(order))).toMatchObject({ outcome: 'authorized' })
    expect(live()).toHaveLength(2)
    expect(await readBooks(database, order.orderId)).toMatchObject({ authorized: 10_000 })
    for (let time = 0; time < 2; time++) await payments.keep({ orderId: order.orderId, request: 2 })
    expect(live()).toEqual([`${order.orderId}:authorize:2`])
    expect(keys('void')).toEqual(['void:1'])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 15_000,
      released: 0,
    })
    expect(await violations(order)).toEqual([])
    const shipmentId = randomUUID()
    expect(
      await payments.capture({ orderId: order.orderId, shipmentId, amount: 14_000, shipping: 1_000 }),
    ).toEqual({ outcome: 'captured', captured: 15_000 })
    expect(await violations(order)).toEqual([])
  })

  it('that fails leaves the old authorization, and the new one is released', async () => {
    const order = newOrder()
    await payments.authorize(order)
    await payments.authorize(amended(order))
    await payments.keep({ orderId: order.orderId, request: 1 })
    expect(live()).toEqual([`${order.orderId}:authorize:1`])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
      released: 0,
    })
    expect(await violations(order)).toEqual([])
  })

  it('that is declined leaves everything as it was', async () => {
    const order = newOrder()
    await payments.authorize(order)
    expect(await payments.authorize({ ...amended(order), paymentMethod: DECLINED })).toMatchObject({
      outcome: 'declined',
    })
    await payments.keep({ orderId: order.orderId, request: 1 })
    expect(keys('void')).toEqual([])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
    })
    expect(await violations(order)).toEqual([])
  })

  it('that was given up finds its end when it comes late', async () => {
    const order = newOrder()
    await payments.authorize(order)
    await payments.keep({ orderId: order.orderId, request: 1, givenUp: 2 })
    expect(await payments.authorize(amended(order))).toEqual({ outcome: 'declined', code: 'superseded' })
    expect(await payments.authorize({ ...amended(order), request: 3 })).toMatchObject({
      outcome: 'authorized',
    })
    expect(keys('authorize')).toEqual(['authorize:1', 'authorize:2'])
  })

  it('is not kept when it has nothing authorized, and nothing changes', async () => {
    const order = newOrder()
    await payments.authorize(order)
    await payments.authorize({ ...amended(order), paymentMethod: DECLINED })
    const before = await readBooks(database, order.orderId)
    await expect(payments.keep({ orderId: order.orderId, request: 2 })).rejects.toMatchObject({
      type: FAILURE.refused,
    })
    expect(await readBooks(database, order.orderId)).toEqual(before)
    expect(live()).toEqual([`${order.orderId}:authorize:1`])
  })

  it('is not kept after a parcel was paid, and nothing changes', async () => {
    const order = newOrder()
    const { orderId } = order
    await payments.authorize(order)
    await payments.authorize(amended(order))
    await payments.capture({ orderId, shipmentId: randomUUID(), amount: 4_000, shipping: 0 })
    const before = await readBooks(database, orderId)
    await expect(payments.keep({ orderId, request: 2 })).rejects.toMatchObject({ type: FAILURE.refused })
    expect(await readBooks(database, orderId)).toEqual(before)
    await payments.keep({ orderId, request: 1 })
    expect(live()).toEqual([`${orderId}:authorize:1`])
    expect(await violations(order)).toEqual([])
  })

  it('of an order that cost nothing', async () => {
    const order = newOrder({ amount: 0 })
    await payments.authorize(order)
    const second = { ...order, amount: 5_000, request: 2 }
    await payments.authorize(second)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'not_required' })
    await payments.keep({ orderId: order.orderId, request: 2 })
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 5_000,
    })
    expect(await violations(order)).toEqual([])
  })

  it('goes on after a crash at any of its transactions', async () => {
    for (let crash = 1; crash <= 8; crash++) {
      const order = newOrder()
      await payments.authorize(order)
      let transactions = 0
      const crashing = createPayments(database, provider, {
        transact: (work) =>
          ++transactions === crash
            ? Promise.reject(new Error('the process died'))
            : payments.dependencies.transact(work),
      })
      const amend = async (through: typeof payments) => {
        await through.authorize(amended(order))
        await through.keep({ orderId: order.orderId, request: 2 })
      }
      await amend(crashing).catch(() => {})
      await database.$executeRaw`UPDATE attempts SET deadline = NULL`
      await amend(payments)
      expect(live().filter((each) => each.startsWith(order.orderId))).toEqual([
        `${order.orderId}:authorize:2`,
      ])
      expect(await violations(order)).toEqual([])
    }
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
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized', capturedOnce: true })
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(provider.authorizations.map(({ amount }) => amount)).toEqual([4_500, 5_500])
    const { orderId } = order
    // the second parcel leaves first; the shipping stays with the parcel that it was authorized with
    expect(await payments.capture({ orderId, shipmentId: second, amount: 5_500, shipping: 500 })).toEqual({
      outcome: 'captured',
      captured: 5_500,
    })
    expect(await readBooks(database, orderId)).toMatchObject({ status: 'partially_captured' })
    expect(await payments.capture({ orderId, shipmentId: first, amount: 4_000, shipping: 500 })).toEqual({
      outcome: 'captured',
      captured: 4_500,
    })
    expect(await readBooks(database, orderId)).toMatchObject({
      status: 'captured',
      authorized: 10_000,
      captured: 10_000,
      released: 0,
    })
    expect(await violations(order)).toEqual([])
  })

  it('obtains all of them or none', async () => {
    const order = split()
    provider.intercept = async (call, execute) =>
      call.key.endsWith('authorize:2') ? { outcome: 'declined', code: 'card_declined' } : execute()
    expect(await payments.authorize(order)).toEqual({ outcome: 'declined', code: 'card_declined' })
    expect(live()).toEqual([])
    expect(await payments.authorize(order)).toEqual({ outcome: 'declined', code: 'card_declined' })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'created', authorized: 0 })
    expect(await violations(order)).toEqual([])
  })

  it('releases the share of a parcel that was given up, and that alone', async () => {
    const order = split()
    await payments.authorize(order)
    const { orderId } = order
    for (let time = 0; time < 2; time++) await payments.releaseParcel({ orderId, shipmentId: second })
    expect(live()).toEqual([`${orderId}:authorize:1`])
    expect(await payments.capture({ orderId, shipmentId: second, amount: 5_500, shipping: 0 })).toMatchObject(
      {
        outcome: 'refused',
      },
    )
    await payments.capture({ orderId, shipmentId: first, amount: 4_000, shipping: 500 })
    expect(await readBooks(database, orderId)).toMatchObject({
      status: 'captured',
      captured: 4_500,
      released: 5_500,
    })
    expect(await violations(order)).toEqual([])
  })

  it('refuses parts that do not sum to the total, and asks for nothing', async () => {
    const order = { ...split(), amount: 9_999 }
    await expect(payments.authorize(order)).rejects.toMatchObject({ type: FAILURE.refused })
    expect(provider.calls).toEqual([])
  })

  it('is told of every approval before it captures', async () => {
    const order = split({ paymentMethod: SECURE })
    const { orderId } = order
    expect(await payments.authorize(order)).toEqual({
      outcome: 'requires_action',
      url: `https://bank.test/${orderId}:authorize:1`,
    })
    provider.authenticate(`${orderId}:authorize:1`, true)
    expect(await payments.authorize(order)).toEqual({
      outcome: 'requires_action',
      url: `https://bank.test/${orderId}:authorize:2`,
    })
    provider.authenticate(`${orderId}:authorize:2`, false)
    expect(await payments.authorize(order)).toEqual({ outcome: 'declined', code: 'authentication_failed' })
    expect(live()).toEqual([])
    expect(await violations(order)).toEqual([])
  })

  it('releases nothing of one that serves all parcels', async () => {
    use(createMemoryProvider())
    const order = split()
    await payments.authorize(order)
    await payments.releaseParcel({ orderId: order.orderId, shipmentId: second })
    expect(provider.authorizations.map(({ amount }) => amount)).toEqual([10_000])
    expect(keys('void')).toEqual([])
  })
})
