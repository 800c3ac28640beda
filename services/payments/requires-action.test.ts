/** Payments that the customer must approve at their bank's page (3-D Secure). */
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
import { retried } from './test-support/retried.ts'

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

const SECURE = 'pm_card_authenticationRequired'
const lost = new Error('the answer was lost')

const live = () =>
  provider.authorizations.filter((each) => openAt(each) > 0).map(({ reference }) => reference)
const keys = (operation: string) =>
  provider.calls
    .filter((call) => call.operation === operation)
    .map(({ key }) => key.split(':').slice(1).join(':'))
const violations = ({ orderId }: { orderId: string }) =>
  findViolations(database, orderId, provider.authorizations)

describe('a payment that the customer must approve', () => {
  const reference = ({ orderId }: { orderId: string }) => `${orderId}:authorize:1`

  it('is authorized once they have, and the webhook tells of it', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    const waiting = { outcome: 'requires_action', url: `https://bank.test/${reference(order)}` }
    expect(await payments.authorize(order)).toEqual(waiting)
    expect(await payments.authorize(order)).toEqual(waiting)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'requires_action',
      authorized: 0,
      attempts: ['authorize:1 unknown'],
      events: ['payment.created', 'payment.requires_action'],
    })
    provider.authenticate(reference(order), true)
    for (let time = 0; time < 3; time++) await payments.reconcile(reference(order))
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      attempts: ['authorize:1 succeeded'],
      events: ['payment.created', 'payment.requires_action', 'payment.authorized'],
    })
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(keys('authorize')).toEqual(['authorize:1'])
    expect(await violations(order)).toEqual([])
  })

  it('is declined when they refuse; another method may follow', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    await payments.authorize(order)
    provider.authenticate(reference(order), false)
    await payments.reconcile(reference(order))
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'created',
      events: ['payment.created', 'payment.requires_action', 'payment.declined'],
    })
    expect(await payments.authorize(order)).toEqual({ outcome: 'declined', code: 'authentication_failed' })
    expect(await payments.authorize({ ...order, paymentMethod: 'pm_card_visa', request: 2 })).toMatchObject({
      outcome: 'authorized',
    })
    expect(await violations(order)).toEqual([])
  })

  it('is given up at the provider when another method comes first', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    await payments.authorize(order)
    await payments.authorize({ ...order, paymentMethod: 'pm_card_visa', request: 2 })
    expect(provider.authorizations.map(({ state }) => state)).toEqual(['closed', 'approved'])
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'declined' })
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
    })
    expect(await violations(order)).toEqual([])
  })

  it('is released when they approve it while it is being given up', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    await payments.authorize(order)
    provider.intercept = async (call, execute) => {
      if (call.operation === 'void') provider.authenticate(reference(order), true)
      return execute()
    }
    await payments.voidPayment(order)
    expect(live()).toEqual([])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      authorized: 10_000,
      released: 10_000,
      attempts: ['authorize:1 succeeded', 'void:1 succeeded'],
    })
    expect(await violations(order)).toEqual([])
  })

  it('is released when the approval is seen after the order was voided, however late', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    await payments.authorize(order)
    provider.intercept = async (call, execute) =>
      call.operation === 'void' ? { outcome: 'unknown', cause: lost } : execute()
    await expect(payments.voidPayment(order)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    provider.authenticate(reference(order), true)
    provider.intercept = answerSoon
    await payments.reconcile(reference(order)).catch(() => {})
    await payments.voidPayment(order)
    expect(live()).toEqual([])
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'voided' })
    expect(await violations(order)).toEqual([])
  })

  it('never leaves two live authorizations when everything comes at once', async () => {
    for (let round = 0; round < 20; round++) {
      const order = newOrder({ paymentMethod: SECURE })
      await payments.authorize(order)
      const soon = <R>(work: () => Promise<R>) =>
        new Promise((resolve) => setTimeout(resolve, Math.random() * 15)).then(() => retried(work))
      await Promise.all([
        soon(async () => {
          const waits = provider.authorizations.find((each) => each.reference === reference(order))
          if (waits?.state === 'requires_action') provider.authenticate(reference(order), true)
        }),
        soon(() => payments.reconcile(reference(order))),
        soon(() => payments.authorize({ ...order, paymentMethod: 'pm_card_visa', request: 2 })),
        soon(() => payments.authorize(order)),
      ])
      await retried(() => payments.reconcile(reference(order)))
      // approved in time, it stays, and the other is a candidate until somebody decides
      const books = await readBooks(database, order.orderId)
      expect(books).toMatchObject({ status: 'authorized', authorized: 10_000 })
      expect(await violations(order)).toEqual([])
      await payments.voidPayment(order)
      expect(live().filter((each) => each.startsWith(order.orderId))).toEqual([])
      expect(await violations(order)).toEqual([])
    }
  })
})
