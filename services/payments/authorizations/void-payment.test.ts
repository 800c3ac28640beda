import { beforeEach, describe, expect, it } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { inRounds } from '#tests/support/rounds.ts'
import { openAt } from '../providers/provider.ts'
import { answerSoon, createMemoryProvider, type MemoryProvider } from '../test-support/memory-provider.ts'
import {
  createPayments,
  findViolations,
  newOrder,
  passDeadlines,
  readBooks,
} from '../test-support/payments.ts'
import { retried } from '../test-support/retried.ts'

const database = await paymentsStore()
let provider: MemoryProvider
let payments: ReturnType<typeof createPayments>
beforeEach(() => {
  provider = createMemoryProvider()
  payments = createPayments(database, provider)
})

const lost = new Error('the answer was lost')
const live = () => provider.authorizations.reduce((all, each) => all + openAt(each), 0)

describe('voidPayment', () => {
  it('releases what is authorized, once', async () => {
    const order = newOrder()
    await payments.authorize(order)
    await payments.voidPayment(order)
    await payments.voidPayment(order)
    expect(provider.calls.map(({ key }) => key)).toEqual([
      `${order.orderId}:authorize:1`,
      `${order.orderId}:void:1`,
    ])
    expect(await readBooks(database, order.orderId)).toEqual({
      status: 'voided',
      authorized: 10_000,
      captured: 0,
      released: 10_000,
      attempts: ['authorize:1 succeeded', 'void:1 succeeded'],
      events: ['payment.created', 'payment.authorized', 'payment.voided'],
    })
    expect(await payments.authorize(order)).toEqual({ outcome: 'voided' })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('leaves a tombstone that a late authorization finds', async () => {
    const order = newOrder()
    await payments.voidPayment(order)
    await payments.voidPayment(order)
    expect(await payments.authorize(order)).toEqual({ outcome: 'voided' })
    expect(provider.calls).toEqual([])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      attempts: [],
      events: [],
    })
  })

  it('has nothing to release after a decline, or where nothing was to be paid', async () => {
    const declined = newOrder({ paymentMethod: 'pm_card_visa_chargeDeclined' })
    await payments.authorize(declined)
    await payments.voidPayment(declined)
    expect(await readBooks(database, declined.orderId)).toMatchObject({
      status: 'failed',
      attempts: ['authorize:1 declined'],
    })
    const free = newOrder({ amount: 0 })
    await payments.authorize(free)
    await payments.voidPayment(free)
    expect(await readBooks(database, free.orderId)).toMatchObject({
      status: 'not_required',
      events: ['payment.created'],
    })
  })

  it('ends a payment whose authorization was never sent', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'not_sent', cause: lost })
    await expect(payments.authorize(order)).rejects.toThrow('was not sent')
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      events: ['payment.created', 'payment.voided'],
    })
    expect(await payments.authorize(order)).toEqual({ outcome: 'voided' })
    expect(provider.calls).toHaveLength(1)
  })

  it('waits for an authorization in flight, which is released when it comes', async () => {
    const order = newOrder()
    let answer = () => {}
    provider.intercept = (call, execute) =>
      call.operation === 'authorize'
        ? new Promise((resolve) => (answer = () => resolve(execute())))
        : answerSoon(call, execute)
    const authorizing = payments.authorize(order)
    await expect.poll(() => provider.calls.length).toBe(1)
    await expect(payments.voidPayment(order)).rejects.toMatchObject({ type: FAILURE.paymentInFlight })
    answer()
    expect(await authorizing).toEqual({ outcome: 'voided' })
    expect(live()).toBe(0)
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      attempts: ['authorize:1 succeeded', 'void:1 succeeded'],
      events: ['payment.created', 'payment.authorized', 'payment.voided'],
    })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('settles an unknown authorization by reading before it releases it', async () => {
    const order = newOrder()
    provider.intercept = async (call, execute) => {
      const outcome = execute()
      return call.operation === 'authorize' ? { outcome: 'unknown', cause: lost } : outcome
    }
    await expect(payments.authorize(order)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    await payments.voidPayment(order)
    expect(live()).toBe(0)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'voided', released: 10_000 })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('does not ask for an authorization that is not wanted any more', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    await expect(payments.authorize(order)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    await payments.voidPayment(order)
    expect(provider.calls).toHaveLength(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      attempts: ['authorize:1 declined'],
      events: ['payment.created', 'payment.voided'],
    })
  })

  it('without lookup by reference repeats the key to learn what there is to release', async () => {
    provider = createMemoryProvider({ lookupByReference: false })
    payments = createPayments(database, provider)
    const order = newOrder()
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    await expect(payments.authorize(order)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    provider.intercept = answerSoon
    await payments.voidPayment(order)
    expect(provider.authorizations).toHaveLength(1)
    expect(live()).toBe(0)
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('releases an authorization that was given up and lands after all', async () => {
    const order = newOrder()
    let land = () => {}
    provider.intercept = (call, execute) =>
      call.operation === 'authorize'
        ? new Promise((resolve) => (land = () => resolve(execute())))
        : answerSoon(call, execute)
    const zombie = payments.authorize(order)
    await expect.poll(() => provider.calls.length).toBe(1)
    await passDeadlines(database, order.orderId)
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'voided', authorized: 0 })
    land()
    expect(await zombie).toEqual({ outcome: 'voided' })
    expect(live()).toBe(0)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      authorized: 10_000,
      released: 10_000,
    })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('is not done while the provider fails, and the same key releases it later', async () => {
    const order = newOrder()
    await payments.authorize(order)
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(payments.voidPayment(order)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    }
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      released: 0,
      attempts: ['authorize:1 succeeded', 'void:1 unknown'],
    })
    provider.intercept = answerSoon
    await payments.voidPayment(order)
    expect(new Set(provider.calls.slice(1).map(({ key }) => key))).toEqual(
      new Set([`${order.orderId}:void:1`]),
    )
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'voided', released: 10_000 })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('takes a refused release for done when nothing is open there', async () => {
    const order = newOrder()
    await payments.authorize(order)
    await provider.void(provider.authorizations[0]!.id, 'by hand')
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'voided', released: 10_000 })
  })

  it('releases the rest of what was captured in part', async () => {
    const order = newOrder()
    await payments.authorize(order)
    await payments.capture({
      orderId: order.orderId,
      shipmentId: crypto.randomUUID(),
      amount: 3_000,
      shipping: 500,
    })
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'captured',
      captured: 3_500,
      released: 6_500,
    })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('never leaves a live authorization beside a concurrent authorize', async () => {
    const endings = new Map<string, number>()
    const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 25))
    provider.intercept = async (call, execute) => {
      const fate = Math.random()
      if (fate < 0.15) return { outcome: 'unknown', cause: lost }
      const outcome = await answerSoon(call, execute)
      return fate < 0.3 ? { outcome: 'unknown', cause: lost } : outcome
    }
    await inRounds(60, 6, async () => {
      const order = newOrder()
      const [result] = await Promise.all([
        pause().then(() => retried(() => payments.authorize(order))),
        pause().then(() => retried(() => payments.voidPayment(order))),
      ])
      endings.set(result.outcome, (endings.get(result.outcome) ?? 0) + 1)
      expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
      expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'voided' })
    })
    expect(live()).toBe(0)
    expect(endings.get('voided')).toBeGreaterThan(0)
  })
})
