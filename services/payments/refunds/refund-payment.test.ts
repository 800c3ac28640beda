import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { createLogger } from '#platform/logger.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { carryOutPendingRefunds } from './carry-out-pending-refunds.ts'
import { createCarryOutRefund } from './carry-out-refund.ts'
import { answerSoon, createMemoryProvider, type MemoryProvider } from '../test-support/memory-provider.ts'
import { createPayments, findViolations, newOrder, readBooks } from '../test-support/payments.ts'
import { retried } from '../test-support/retried.ts'

const database = await paymentsStore()
let provider: MemoryProvider
let payments: ReturnType<typeof createPayments>
let order: ReturnType<typeof newOrder>
beforeEach(async () => {
  // every test has a provider of its own: what the one before has promised is none of its business
  await database.$executeRaw`UPDATE refunds SET status = 'refused' WHERE status = 'pending'`
  provider = createMemoryProvider()
  payments = createPayments(database, provider)
  order = newOrder()
  await payments.authorize(order)
})

const lost = new Error('the answer was lost')
const capture = (amount = 10_000) =>
  payments.capture({ orderId: order.orderId, shipmentId: randomUUID(), amount, shipping: 0 })
const refunding = (amount: number, refundId: string = randomUUID()) => ({
  orderId: order.orderId,
  refundId,
  amount,
  reason: 'returned',
})
const calls = () => provider.calls.filter(({ operation }) => operation === 'refund').map(({ key }) => key)
const violations = () => findViolations(database, order.orderId, provider.authorizations)

async function balanceOf(account: string): Promise<number> {
  const payment = await database.payment.findUniqueOrThrow({ where: { orderId: order.orderId } })
  const { _sum } = await database.ledgerEntry.aggregate({
    where: { paymentId: payment.id, account },
    _sum: { amount: true },
  })
  return Number(_sum.amount ?? 0n)
}

describe('refundPayment', () => {
  it('gives back a part, then the rest, each once', async () => {
    await capture()
    const [first, second] = [refunding(3_000), refunding(7_000)]
    for (let time = 0; time < 2; time++) {
      expect(await payments.refund(first)).toEqual({ outcome: 'refunded', amount: 3_000 })
    }
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'partially_refunded' })
    expect(await payments.refund(second)).toEqual({ outcome: 'refunded', amount: 7_000 })
    expect(calls()).toEqual([`${order.orderId}:refund:1`, `${order.orderId}:refund:2`])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'refunded',
      attempts: ['authorize:1 succeeded', 'capture:1 succeeded', 'refund:1 succeeded', 'refund:2 succeeded'],
      events: [
        'payment.created',
        'payment.authorized',
        'payment.captured',
        'payment.refunded',
        'payment.refunded',
      ],
    })
    expect([await balanceOf('refunds'), await balanceOf('provider_balance')]).toEqual([10_000, 0])
    expect(await violations()).toEqual([])
  })

  it('says what the money went back for', async () => {
    await capture()
    for (const reason of ['return', 'lost', 'another']) await payments.refund({ ...refunding(1_000), reason })
    const told = await database.outbox.findMany({
      where: { type: 'payment.refunded', payload: { path: ['orderId'], equals: order.orderId } },
      orderBy: { id: 'asc' },
    })
    expect(told.map(({ payload }) => (payload as { refundFor?: string }).refundFor)).toEqual([
      'return',
      'lost_parcel',
      'request',
    ])
  })

  it('gives back nothing for nothing', async () => {
    expect(await payments.refund(refunding(0))).toEqual({ outcome: 'refunded', amount: 0 })
    expect(calls()).toEqual([])
  })

  it('gives back nothing that was not captured, and no more than that', async () => {
    expect(await payments.refund(refunding(1))).toEqual({ outcome: 'refused', code: 'payment_not_captured' })
    await capture(4_000)
    const before = await readBooks(database, order.orderId)
    expect(await payments.refund(refunding(4_001))).toEqual({
      outcome: 'refused',
      code: 'refund_exceeds_captured',
    })
    expect(await readBooks(database, order.orderId)).toEqual(before)
    expect(calls()).toEqual([])
    expect(await database.refund.count({ where: { payment: { orderId: order.orderId } } })).toBe(0)
  })

  it('never exceeds what was captured when twenty come at once', async () => {
    await capture()
    const results = await Promise.all(
      Array.from({ length: 20 }, () => refunding(700)).map((each) => retried(() => payments.refund(each))),
    )
    expect(results.filter(({ outcome }) => outcome === 'refunded')).toHaveLength(14)
    expect(provider.authorizations[0]).toMatchObject({ captured: 10_000, refunded: 9_800 })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'partially_refunded' })
    expect(await violations()).toEqual([])
  })

  it('gives back once what is asked for twenty times at once', async () => {
    await capture()
    const once = refunding(4_000)
    await Promise.all(Array.from({ length: 20 }, () => retried(() => payments.refund(once))))
    expect(provider.authorizations[0]).toMatchObject({ refunded: 4_000 })
    expect(new Set(calls()).size).toBe(1)
    expect(await violations()).toEqual([])
  })

  it('is divided over the authorizations that were captured, oldest first', async () => {
    provider = createMemoryProvider({ multicapture: false })
    payments = createPayments(database, provider)
    order = newOrder()
    const [first, second] = [randomUUID(), randomUUID()]
    const parts = [
      { shipmentId: first, amount: 4_000 },
      { shipmentId: second, amount: 6_000 },
    ]
    await payments.authorize({ ...order, parts })
    for (const { shipmentId, amount } of parts) {
      await payments.capture({ orderId: order.orderId, shipmentId, amount, shipping: 0 })
    }
    expect(await payments.refund(refunding(5_000))).toEqual({ outcome: 'refunded', amount: 5_000 })
    expect(provider.authorizations.map(({ refunded }) => refunded)).toEqual([4_000, 1_000])
    expect(await payments.refund(refunding(5_000))).toEqual({ outcome: 'refunded', amount: 5_000 })
    expect(provider.authorizations.map(({ refunded }) => refunded)).toEqual([4_000, 6_000])
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'refunded' })
    expect(await violations()).toEqual([])
  })

  it("settles a lost answer by the provider's sum, and repeats the key when nothing happened", async () => {
    await capture()
    const once = refunding(4_000)
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    await expect(payments.refund(once)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    expect(await payments.refund(once)).toEqual({ outcome: 'refunded', amount: 4_000 })
    expect(calls()).toHaveLength(1)
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    const again = refunding(1_000)
    await expect(payments.refund(again)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    provider.intercept = answerSoon
    expect(await payments.refund(again)).toEqual({ outcome: 'refunded', amount: 1_000 })
    expect(new Set(calls()).size).toBe(2)
    expect(await violations()).toEqual([])
  })

  it('that the provider refuses gives nothing back, and may be tried again with a new key', async () => {
    await capture()
    const once = refunding(4_000)
    provider.intercept = async () => ({ outcome: 'declined', code: 'card_closed' })
    expect(await payments.refund(once)).toEqual({ outcome: 'refused', code: 'card_closed' })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'captured' })
    provider.intercept = answerSoon
    expect(await payments.refund(once)).toEqual({ outcome: 'refunded', amount: 4_000 })
    expect(calls()).toEqual([`${order.orderId}:refund:1`, `${order.orderId}:refund:2`])
    expect(await violations()).toEqual([])
  })

  it('counts what is promised and not given back yet', async () => {
    await capture()
    provider.intercept = async () => ({ outcome: 'not_sent', cause: lost })
    await expect(payments.refund(refunding(6_000))).rejects.toThrow('was not sent')
    provider.intercept = answerSoon
    expect(await payments.refund(refunding(4_001))).toEqual({
      outcome: 'refused',
      code: 'refund_exceeds_captured',
    })
  })

  it('goes on after a crash at any of its transactions', async () => {
    await capture()
    for (let crash = 1; crash <= 5; crash++) {
      const once = refunding(1_000)
      let transactions = 0
      const crashing = createPayments(database, provider, {
        transact: (work) =>
          ++transactions === crash
            ? Promise.reject(new Error('the process died'))
            : payments.dependencies.transact(work),
      })
      await crashing.refund(once).catch(() => {})
      await database.$executeRaw`UPDATE attempts SET deadline = NULL`
      expect(await payments.refund(once)).toEqual({ outcome: 'refunded', amount: 1_000 })
      expect(provider.authorizations[0]).toMatchObject({ refunded: crash * 1_000 })
      expect(await violations()).toEqual([])
    }
  })
})

describe('carryOutPendingRefunds', () => {
  it('gives back what was promised while the provider was away', async () => {
    await capture()
    provider.intercept = async () => ({ outcome: 'not_sent', cause: lost })
    await expect(payments.refund(refunding(6_000))).rejects.toThrow('was not sent')
    provider.intercept = answerSoon
    const pending = {
      database,
      carryOutRefund: createCarryOutRefund(payments.dependencies),
      logger: createLogger({ service: 'payments', level: 'silent' }),
    }
    await carryOutPendingRefunds(pending)
    expect(provider.authorizations[0]).toMatchObject({ refunded: 0 })
    await database.$executeRaw`UPDATE refunds SET created_at = created_at - interval '1 minute' WHERE status = 'pending'`
    for (let time = 0; time < 2; time++) await carryOutPendingRefunds(pending)
    expect(provider.authorizations[0]).toMatchObject({ refunded: 6_000 })
    expect(await violations()).toEqual([])
  })
})
