import { beforeEach, describe, expect, it } from 'vitest'
import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'
import { createUnitOfWork } from '#platform/events/outbox.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { createMemoryProvider, type MemoryProvider } from '../test-support/memory-provider.ts'
import {
  createPayments,
  findViolations,
  newOrder,
  passDeadlines,
  readBooks,
} from '../test-support/payments.ts'

const database = await paymentsStore()
let provider: MemoryProvider
let payments: ReturnType<typeof createPayments>
beforeEach(() => {
  provider = createMemoryProvider()
  payments = createPayments(database, provider)
})

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof ApplicationFailure ? error.type : error),
  )

const lost = new Error('the answer was lost')

describe('authorizePayment', () => {
  it('authorizes once and gives every repeat the same answer', async () => {
    const order = newOrder()
    const first = await payments.authorize(order)
    expect(first).toEqual({ outcome: 'authorized', paymentId: expect.any(String) })
    expect(await payments.authorize(order)).toEqual(first)
    expect(provider.calls).toEqual([{ operation: 'authorize', key: `${order.orderId}:authorize:1` }])
    expect(await readBooks(database, order.orderId)).toEqual({
      status: 'authorized',
      authorized: 10_000,
      captured: 0,
      released: 0,
      attempts: ['authorize:1 succeeded'],
      events: ['payment.created', 'payment.authorized'],
    })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('needs no provider when there is nothing to pay', async () => {
    const order = newOrder({ amount: 0 })
    expect(await payments.authorize(order)).toEqual({ outcome: 'not_required' })
    expect(await payments.authorize(order)).toEqual({ outcome: 'not_required' })
    expect(provider.calls).toEqual([])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'not_required',
      attempts: [],
      events: ['payment.created'],
    })
  })

  it('carries the largest amount the platform takes', async () => {
    const order = newOrder({ amount: 1_000_000_000_000 })
    await payments.authorize(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({ authorized: 1_000_000_000_000 })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('answers a decline with its code, every time', async () => {
    const order = newOrder({ paymentMethod: 'pm_card_visa_chargeDeclined' })
    expect(await payments.authorize(order)).toEqual({ outcome: 'declined', code: 'card_declined' })
    expect(await payments.authorize(order)).toEqual({ outcome: 'declined', code: 'card_declined' })
    expect(provider.calls).toHaveLength(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'created',
      attempts: ['authorize:1 declined'],
      events: ['payment.created', 'payment.declined'],
    })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('refuses another amount for the same order and changes nothing', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    await failureOf(payments.authorize(order))
    const before = await readBooks(database, order.orderId)
    expect(await failureOf(payments.authorize({ ...order, amount: 1 }))).toBe(FAILURE.refused)
    expect(await readBooks(database, order.orderId)).toEqual(before)
  })

  it('finds by our reference what happened although the answer was lost', async () => {
    const order = newOrder()
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    expect(await failureOf(payments.authorize(order))).toBe(FAILURE.outcomeUnknown)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'created',
      attempts: ['authorize:1 unknown'],
    })
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(provider.calls).toHaveLength(1)
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('repeats the same key when the provider has never heard of it', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    expect(await failureOf(payments.authorize(order))).toBe(FAILURE.outcomeUnknown)
    expect(await failureOf(payments.authorize(order))).toBe(FAILURE.outcomeUnknown)
    provider.intercept = async (_call, execute) => execute()
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(provider.calls.map(({ key }) => key)).toEqual(
      Array.from({ length: 3 }, () => `${order.orderId}:authorize:1`),
    )
    expect(provider.authorizations).toHaveLength(1)
  })

  it('only reads once the provider has forgotten the key', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    await failureOf(payments.authorize(order))
    await database.$executeRaw`UPDATE attempts SET sent_at = now() - interval '24 hours' WHERE key = ${`${order.orderId}:authorize:1`}`
    expect(await failureOf(payments.authorize(order))).toBe(FAILURE.outcomeUnknown)
    expect(provider.calls).toHaveLength(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({ attempts: ['authorize:1 unknown'] })
  })

  it('stays unknown while the provider cannot be read', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    await failureOf(payments.authorize(order))
    provider.unreadable = true
    expect(await failureOf(payments.authorize(order))).toBe(FAILURE.outcomeUnknown)
    expect(provider.calls).toHaveLength(1)
  })

  it('sends the same key again when nothing was sent', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'not_sent', cause: lost })
    expect(await failureOf(payments.authorize(order))).toMatchObject({ name: 'ProviderUnreachableError' })
    expect(await readBooks(database, order.orderId)).toMatchObject({ attempts: ['authorize:1 created'] })
    provider.intercept = async (_call, execute) => execute()
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(new Set(provider.calls.map(({ key }) => key))).toEqual(new Set([`${order.orderId}:authorize:1`]))
  })

  it('keeps an attempt unknown when only its repeat was not sent', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    await failureOf(payments.authorize(order))
    provider.intercept = async () => ({ outcome: 'not_sent', cause: lost })
    await failureOf(payments.authorize(order))
    expect(await readBooks(database, order.orderId)).toMatchObject({ attempts: ['authorize:1 unknown'] })
  })

  it('tells a second execution that the first is in flight, until its deadline', async () => {
    const order = newOrder()
    let answer = () => {}
    provider.intercept = (_call, execute) => new Promise((resolve) => (answer = () => resolve(execute())))
    const first = payments.authorize(order)
    await expect.poll(() => provider.calls.length).toBe(1)
    const second = await payments.authorize(order).catch((error: unknown) => error)
    expect(second).toMatchObject({
      type: FAILURE.paymentInFlight,
      nonRetryable: false,
      nextRetryDelay: '1 second',
    })
    expect(provider.calls).toHaveLength(1)
    await passDeadlines(database, order.orderId)
    provider.intercept = async (_call, execute) => execute()
    const third = await payments.authorize(order)
    answer()
    expect(await first).toEqual(third)
    expect(provider.authorizations).toHaveLength(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      events: ['payment.created', 'payment.authorized'],
    })
  })

  it('recovers from a crash between the answer and its booking', async () => {
    const order = newOrder()
    const transact = createUnitOfWork(database, () => {})
    let transactions = 0
    const crashing = createPayments(database, provider, {
      transact: (work) =>
        ++transactions === 2 ? Promise.reject(new Error('the process died')) : transact(work),
    })
    await expect(crashing.authorize(order)).rejects.toThrow('the process died')
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'created',
      attempts: ['authorize:1 sent'],
    })
    expect(await failureOf(payments.authorize(order))).toBe(FAILURE.paymentInFlight)
    await passDeadlines(database, order.orderId)
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(provider.calls).toHaveLength(1)
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('authorizes once when called twenty times at once', async () => {
    const order = newOrder()
    const results = await Promise.all(Array.from({ length: 20 }, () => failureOf(payments.authorize(order))))
    expect(results.filter((failure) => failure === undefined).length).toBeGreaterThan(0)
    expect(results.every((failure) => failure === undefined || failure === FAILURE.paymentInFlight)).toBe(
      true,
    )
    expect(provider.authorizations).toHaveLength(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      events: ['payment.created', 'payment.authorized'],
    })
  })
})
