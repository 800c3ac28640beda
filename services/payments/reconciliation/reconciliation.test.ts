/** What the provider has and we do not: asked for, booked, given back, or said. */
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { createCompareProviderLedger } from './compare-provider-ledger.ts'
import type { ProviderDispute } from '../providers/provider.ts'
import { createSettleUnknownPayments } from './settle-unknown-payments.ts'
import { answerSoon, createMemoryProvider, type MemoryProvider } from '../test-support/memory-provider.ts'
import { createPayments, findViolations, newOrder, readBooks } from '../test-support/payments.ts'

const logger = createLogger({ service: 'payments', level: 'silent' })
const lost = new Error('the answer was lost')

const database = await paymentsStore()
let provider: MemoryProvider
let payments: ReturnType<typeof createPayments>
let order: ReturnType<typeof newOrder>
let settleUnknown: ReturnType<typeof createSettleUnknownPayments>
let compare: ReturnType<typeof createCompareProviderLedger>
beforeEach(() => {
  provider = createMemoryProvider()
  payments = createPayments(database, provider)
  const dependencies = { ...payments.dependencies, database, logger, afterSeconds: 0 }
  settleUnknown = createSettleUnknownPayments(dependencies)
  compare = createCompareProviderLedger(dependencies)
  order = newOrder()
})

const loseAnswers = async (_call: unknown, execute: () => unknown) => {
  execute()
  return { outcome: 'unknown', cause: lost } as const
}
const capture = (amount: number) =>
  payments.capture({ orderId: order.orderId, shipmentId: randomUUID(), amount, shipping: 0 })
const reference = () => `${order.orderId}:authorize:1`
const reconcile = () => payments.reconcile(reference())
const violations = () => findViolations(database, order.orderId, provider.authorizations)
/** The findings about this test's order: the database holds those of the tests before. */
const own = (findings: { subjectId: string }[]) =>
  findings.filter(({ subjectId }) => subjectId === order.orderId)
const theirs = () => provider.authorizations[0]!

/** The customer approves; before anybody hears of it, it is released, and nobody hears of that either. */
async function releaseUnheard() {
  order = newOrder({ paymentMethod: 'pm_card_authenticationRequired' })
  await payments.authorize(order)
  provider.authenticate(reference(), true)
  provider.intercept = loseAnswers
  await expect(payments.voidPayment(order)).rejects.toThrow('not known')
  provider.intercept = answerSoon
}

describe('settleUnknownPayments', () => {
  it('asks for every outcome that is open, and says what it learned', async () => {
    await payments.authorize(order)
    provider.intercept = loseAnswers
    await expect(capture(4_000)).rejects.toThrow('not known')
    provider.intercept = answerSoon
    expect(own(await settleUnknown())).toEqual([
      {
        kind: 'unknown_payment',
        subjectId: order.orderId,
        orderId: order.orderId,
        detail: `${order.orderId}:capture:1 succeeded`,
        repaired: true,
      },
    ])
    expect(own(await settleUnknown())).toEqual([])
    expect(await readBooks(database, order.orderId)).toMatchObject({ captured: 4_000 })
    expect(await violations()).toEqual([])
  })

  it('repeats the key of what never arrived, except for an authorization', async () => {
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    await expect(payments.authorize(order)).rejects.toThrow('not known')
    provider.intercept = answerSoon
    expect(own(await settleUnknown())).toMatchObject([{ repaired: false }])
    expect(provider.authorizations).toEqual([])
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    await expect(payments.voidPayment(order)).rejects.toThrow('not known')
    provider.intercept = answerSoon
    expect(own(await settleUnknown())).toMatchObject([{ repaired: true }])
    expect(theirs()).toMatchObject({ released: 10_000 })
  })

  it('says what is still not known while the provider is away', async () => {
    provider.intercept = loseAnswers
    await expect(payments.authorize(order)).rejects.toThrow('not known')
    provider.unreadable = true
    expect(own(await settleUnknown())).toMatchObject([{ repaired: false }])
    provider.unreadable = false
    expect(own(await settleUnknown())).toMatchObject([{ repaired: true }])
  })

  it('leaves alone what somebody waits for', async () => {
    let answer = () => {}
    provider.intercept = (_call, execute) => new Promise((resolve) => (answer = () => resolve(execute())))
    const running = payments.authorize(order)
    await expect.poll(() => provider.calls.length).toBe(1)
    expect(own(await settleUnknown())).toEqual([])
    answer()
    expect(await running).toMatchObject({ outcome: 'authorized' })
  })

  it('finds a lost approval, and does not mind a customer who takes their time', async () => {
    order = newOrder({ paymentMethod: 'pm_card_authenticationRequired' })
    await payments.authorize(order)
    expect(own(await settleUnknown())).toEqual([])
    provider.authenticate(reference(), true)
    expect(own(await settleUnknown())).toMatchObject([{ repaired: true }])
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'authorized' })
  })

  it('knows a release of what the customer had approved, though its answer was lost', async () => {
    await releaseUnheard()
    await settleUnknown()
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      released: 10_000,
      attempts: ['authorize:1 succeeded', 'void:1 succeeded'],
    })
    expect(await violations()).toEqual([])
  })

  it('knows it too when the webhook that the authorization is closed comes first', async () => {
    await releaseUnheard()
    // the release arrives between two looks
    const { find } = provider
    let looks = 0
    provider.find = async (id) => {
      const seen = await find(id)
      return looks++ === 0 && seen !== undefined ? { ...seen, state: 'requires_action', released: 0 } : seen
    }
    await reconcile()
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      released: 10_000,
      attempts: ['authorize:1 declined', 'void:1 succeeded'],
    })
    expect(await violations()).toEqual([])
  })
})

describe('compareProviderLedger', () => {
  it('finds nothing where both say the same', async () => {
    await payments.authorize(order)
    await capture(4_000)
    expect(own(await compare())).toEqual([])
  })

  it('finds an authorization that the provider does not have', async () => {
    await payments.authorize(order)
    provider.authorizations = []
    expect(own(await compare())).toEqual([
      {
        kind: 'ledger_mismatch',
        subjectId: order.orderId,
        orderId: order.orderId,
        detail: `${reference()}: the provider does not know it`,
        repaired: false,
      },
    ])
  })

  it('still holds the rest of what was released there in part', async () => {
    await payments.authorize(order)
    theirs().released = 1_000
    await compare()
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'authorized', released: 1_000 })
    expect(await violations()).toEqual([])
    await payments.voidPayment(order)
    expect(theirs()).toMatchObject({ state: 'closed', released: order.amount })
    expect(await violations()).toEqual([])
  })

  it('books a refund and a release that were made by hand there', async () => {
    await payments.authorize(order)
    await capture(4_000)
    await provider.refund(theirs().id, { amount: 1_000 }, 'by hand')
    await provider.void(theirs().id, 'by hand as well')
    expect(own(await compare())).toMatchObject([{ repaired: true }, { repaired: true }])
    expect(own(await compare())).toEqual([])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'partially_refunded',
      captured: 4_000,
      released: 6_000,
    })
    expect(await violations()).toEqual([])
  })

  it('says what it cannot explain, and changes nothing', async () => {
    await payments.authorize(order)
    await provider.capture(theirs().id, 1_000, 'by hand')
    const before = await readBooks(database, order.orderId)
    for (let time = 0; time < 2; time++) {
      expect(own(await compare())).toMatchObject([
        { detail: expect.stringContaining("captured 0, the provider's 1000"), repaired: false },
      ])
    }
    expect(await readBooks(database, order.orderId)).toEqual(before)
  })

  it('fails when nothing can be asked, and goes on when something can', async () => {
    await payments.authorize(order)
    provider.unreadable = true
    await expect(compare()).rejects.toThrow('away')
  })
})

describe('what comes too late', () => {
  it('a capture of an order that has ended is given back', async () => {
    await payments.authorize(order)
    provider.intercept = async (call, execute) =>
      call.operation === 'void' ? { outcome: 'not_sent', cause: lost } : execute()
    await expect(payments.voidPayment(order)).rejects.toThrow('was not sent')
    await provider.capture(theirs().id, 10_000, 'by hand')
    provider.intercept = answerSoon
    for (let time = 0; time < 2; time++) await reconcile()
    expect(theirs()).toMatchObject({ captured: 10_000, refunded: 10_000 })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'refunded', captured: 10_000 })
    expect(await violations()).toEqual([])
    expect(provider.calls.filter(({ operation }) => operation === 'refund')).toHaveLength(1)
  })

  it('an approval of what was declined on a cancelled order is released', async () => {
    provider.intercept = async (call, execute) => {
      const outcome = execute()
      return call.operation === 'authorize' ? { outcome: 'declined', code: 'card_declined' } : outcome
    }
    await payments.authorize(order)
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'failed' })
    for (let time = 0; time < 3; time++) await reconcile()
    expect(theirs()).toMatchObject({ state: 'closed', released: 10_000 })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'failed' })
    expect(await violations()).toEqual([])
  })
})

describe('a dispute', () => {
  const dispute = (status: ProviderDispute['status'], amount = 4_000) => {
    theirs().disputes = [{ id: 'dp_1', amount, status }]
    return reconcile()
  }
  const refund = (amount: number) =>
    payments.refund({ orderId: order.orderId, refundId: randomUUID(), amount, reason: 'returned' })
  const disputed = async () => {
    const { disputed: sum } = await database.payment.findUniqueOrThrow({ where: { orderId: order.orderId } })
    return Number(sum)
  }
  const codes = async () => {
    const { id } = await database.payment.findUniqueOrThrow({ where: { orderId: order.orderId } })
    const events = await database.outbox.findMany({ where: { aggregateId: id }, orderBy: { id: 'asc' } })
    return events
      .filter(({ type }) => type === 'payment.disputed')
      .map(({ payload }) => (payload as { code: string }).code)
  }
  beforeEach(async () => {
    await payments.authorize(order)
    await capture(10_000)
  })

  it('is booked once, and nothing is refunded meanwhile', async () => {
    for (let time = 0; time < 3; time++) await dispute('open')
    expect([await disputed(), await codes()]).toEqual([4_000, ['opened']])
    expect(await refund(1)).toEqual({ outcome: 'refused', code: 'payment_disputed' })
    expect(await violations()).toEqual([])
  })

  it('that is won gives the money back to us', async () => {
    await dispute('open')
    for (let time = 0; time < 2; time++) await dispute('won')
    expect([await disputed(), await codes()]).toEqual([0, ['opened', 'won']])
    expect(await refund(10_000)).toMatchObject({ outcome: 'refunded' })
    expect(await violations()).toEqual([])
  })

  it('that is lost has taken it for good', async () => {
    await dispute('lost')
    expect([await disputed(), await codes()]).toEqual([4_000, ['opened', 'lost']])
    expect(await refund(6_001)).toEqual({ outcome: 'refused', code: 'refund_exceeds_captured' })
    expect(await refund(6_000)).toMatchObject({ outcome: 'refunded' })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'refunded' })
    expect(await violations()).toEqual([])
  })

  it('about what was refunded already is booked all the same', async () => {
    await refund(10_000)
    await dispute('open', 10_000)
    expect(await disputed()).toBe(10_000)
    expect(await violations()).toEqual([])
  })
})
