import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { createUnitOfWork } from '#platform/events/outbox.ts'
import { paymentsStore } from '#tests/support/payments.ts'
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
let order: ReturnType<typeof newOrder>
beforeEach(async () => {
  await start(createMemoryProvider())
})

async function start(memory: MemoryProvider): Promise<void> {
  provider = memory
  payments = createPayments(database, provider)
  order = newOrder()
  await payments.authorize(order)
}

const parcel = (amount: number, shipping = 500) => ({
  orderId: order.orderId,
  shipmentId: randomUUID(),
  amount,
  shipping,
})
const lost = new Error('the answer was lost')
const captures = () => provider.calls.filter(({ operation }) => operation === 'capture').map(({ key }) => key)

async function balanceOf(account: string): Promise<number> {
  const payment = await database.payment.findUniqueOrThrow({ where: { orderId: order.orderId } })
  const { _sum } = await database.ledgerEntry.aggregate({
    where: { paymentId: payment.id, account },
    _sum: { amount: true },
  })
  return Number(_sum.amount ?? 0n)
}

const violations = () => findViolations(database, order.orderId, provider.authorizations)

describe('capturePayment', () => {
  it('is refused where the payment was voided before anybody asked for it, and books nothing', async () => {
    const unknown = newOrder()
    await payments.voidPayment(unknown)
    expect(await payments.capture({ ...unknown, shipmentId: randomUUID(), shipping: 0 })).toEqual({
      outcome: 'refused',
      code: 'payment_voided',
    })
    expect(await readBooks(database, unknown.orderId)).toMatchObject({
      status: 'voided',
      attempts: [],
      events: [],
    })
  })

  it('captures each parcel once; the first one carries the shipping', async () => {
    const [first, second] = [parcel(4_000), parcel(5_500)]
    expect(await payments.capture(first)).toEqual({ outcome: 'captured', captured: 4_500 })
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'partially_captured',
      captured: 4_500,
    })
    expect(await payments.capture(second)).toEqual({ outcome: 'captured', captured: 5_500 })
    expect(await payments.capture(first)).toEqual({ outcome: 'captured', captured: 4_500 })
    expect(captures()).toEqual([`${order.orderId}:capture:1`, `${order.orderId}:capture:2`])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'captured',
      captured: 10_000,
      events: ['payment.created', 'payment.authorized', 'payment.captured', 'payment.captured'],
    })
    expect(await violations()).toEqual([])
  })

  it('captures nothing where nothing was to be paid', async () => {
    order = newOrder({ amount: 0 })
    await payments.authorize(order)
    expect(await payments.capture(parcel(0, 0))).toEqual({ outcome: 'captured', captured: 0 })
    expect(captures()).toEqual([])
  })

  it('captures nothing for a parcel that costs nothing', async () => {
    expect(await payments.capture(parcel(0, 0))).toEqual({ outcome: 'captured', captured: 0 })
    expect(captures()).toEqual([])
  })

  it('captures twenty parcels at once exactly, the shipping with one of them', async () => {
    const parcels = Array.from({ length: 20 }, () => parcel(475))
    const results = await Promise.all(parcels.map((each) => retried(() => payments.capture(each))))
    const captured = results.map((result) => (result.outcome === 'captured' ? result.captured : 0))
    expect(captured.toSorted((a, b) => a - b)).toEqual([...Array.from({ length: 19 }, () => 475), 975])
    expect(provider.authorizations[0]).toMatchObject({ captured: 10_000 })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'captured', captured: 10_000 })
    expect(await violations()).toEqual([])
  })

  it('captures a parcel once when it is reported twenty times at once', async () => {
    const once = parcel(4_000)
    const results = await Promise.all(Array.from({ length: 20 }, () => retried(() => payments.capture(once))))
    expect(new Set(results.map((result) => JSON.stringify(result)))).toEqual(
      new Set(['{"outcome":"captured","captured":4500}']),
    )
    expect(captures()).toHaveLength(1)
    expect(await violations()).toEqual([])
  })

  it("settles a lost answer by the provider's sum", async () => {
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    const first = parcel(4_000)
    await expect(payments.capture(first)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    expect(await payments.capture(first)).toEqual({ outcome: 'captured', captured: 4_500 })
    expect(captures()).toHaveLength(1)
    expect(await violations()).toEqual([])
  })

  it('repeats the same key when the sum says that nothing happened', async () => {
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    const first = parcel(4_000)
    await expect(payments.capture(first)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    provider.intercept = answerSoon
    expect(await payments.capture(first)).toEqual({ outcome: 'captured', captured: 4_500 })
    expect(captures()).toEqual([`${order.orderId}:capture:1`, `${order.orderId}:capture:1`])
    expect(await violations()).toEqual([])
  })

  it('settles the unknown capture of another parcel before its own', async () => {
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    const [first, second] = [parcel(4_500), parcel(5_000)]
    await expect(payments.capture(first)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    provider.intercept = answerSoon
    expect(await payments.capture(second)).toEqual({ outcome: 'captured', captured: 5_000 })
    expect(await payments.capture(first)).toEqual({ outcome: 'captured', captured: 5_000 })
    expect(captures()).toEqual([1, 1, 2].map((n) => `${order.orderId}:capture:${n}`))
    expect(await violations()).toEqual([])
  })

  it('recovers from a crash between the answer and its booking', async () => {
    const transact = createUnitOfWork(database, () => {})
    let transactions = 0
    const crashing = createPayments(database, provider, {
      transact: (work) =>
        ++transactions === 2 ? Promise.reject(new Error('the process died')) : transact(work),
    })
    const first = parcel(4_000)
    await expect(crashing.capture(first)).rejects.toThrow('the process died')
    await expect(payments.capture(first)).rejects.toMatchObject({ type: FAILURE.paymentInFlight })
    await passDeadlines(database, order.orderId)
    expect(await payments.capture(first)).toEqual({ outcome: 'captured', captured: 4_500 })
    expect(captures()).toHaveLength(1)
    expect(await violations()).toEqual([])
  })

  it('owes what is refused, once, and pays it with a new key later', async () => {
    const first = parcel(4_000)
    provider.intercept = async () => ({ outcome: 'declined', code: 'capture_failed' })
    expect(await payments.capture(first)).toEqual({ outcome: 'refused', code: 'capture_failed' })
    expect(await payments.capture(first)).toEqual({ outcome: 'refused', code: 'capture_failed' })
    expect(await balanceOf('receivables')).toBe(4_500)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'authorized', captured: 0 })
    provider.intercept = answerSoon
    expect(await payments.capture(parcel(1_000))).toEqual({ outcome: 'captured', captured: 1_000 })
    expect(await payments.capture(first)).toEqual({ outcome: 'captured', captured: 4_500 })
    expect(captures()).toEqual([1, 2, 3, 4].map((n) => `${order.orderId}:capture:${n}`))
    expect(await balanceOf('receivables')).toBe(0)
    expect(await balanceOf('sales')).toBe(-5_500)
    expect(await violations()).toEqual([])
  })

  it('refuses more than is authorized without asking, and owes it', async () => {
    const large = parcel(9_600)
    expect(await payments.capture(large)).toEqual({
      outcome: 'refused',
      code: 'amount_exceeds_authorization',
    })
    expect(await payments.capture(large)).toEqual({
      outcome: 'refused',
      code: 'amount_exceeds_authorization',
    })
    expect(captures()).toEqual([])
    expect(await balanceOf('receivables')).toBe(10_100)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      attempts: ['authorize:1 succeeded', 'capture:1 declined'],
    })
  })

  it('refuses to capture what was voided', async () => {
    await payments.voidPayment(order)
    expect(await payments.capture(parcel(1_000))).toEqual({ outcome: 'refused', code: 'payment_voided' })
    expect(captures()).toEqual([])
    expect(await violations()).toEqual([])
  })

  it('books what a provider without multicapture releases with the first capture', async () => {
    await start(createMemoryProvider({ multicapture: false }))
    expect(await payments.capture(parcel(4_000))).toEqual({ outcome: 'captured', captured: 4_500 })
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'captured',
      captured: 4_500,
      released: 5_500,
    })
    expect(await violations()).toEqual([])
  })
})

describe('the ledger', () => {
  it('refuses a transaction that does not sum to zero, and changes', async () => {
    await payments.capture(parcel(1_000))
    const before = await database.ledgerEntry.count()
    await expect(database.$executeRaw`
      INSERT INTO ledger_entries (transaction_id, payment_id, attempt_id, kind, account, amount, currency)
      SELECT gen_random_uuid(), payment_id, attempt_id, 'receivable', 'receivables', 1, 'EUR' FROM ledger_entries LIMIT 1`).rejects.toThrow(
      'does not sum to zero',
    )
    await expect(database.$executeRaw`UPDATE ledger_entries SET amount = amount + 1`).rejects.toThrow(
      'append-only',
    )
    await expect(database.$executeRaw`DELETE FROM ledger_entries`).rejects.toThrow('append-only')
    expect(await database.ledgerEntry.count()).toBe(before)
  })
})
