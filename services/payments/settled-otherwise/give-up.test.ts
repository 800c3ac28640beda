/** What an operator has settled otherwise is not paid by the platform after all; what was, is said. */
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Finding } from '#contracts/workflows.ts'
import { createLogger } from '#platform/logger.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { carryOutPendingRefunds } from '../refunds/carry-out-pending-refunds.ts'
import { createCarryOutRefund } from '../refunds/carry-out-refund.ts'
import { createCompareProviderLedger } from '../reconciliation/compare-provider-ledger.ts'
import { book } from '../operations/execute-attempt.ts'
import { createSettleUnknownPayments } from '../reconciliation/settle-unknown-payments.ts'
import {
  answerSoon,
  createMemoryProvider,
  type Intercept,
  type MemoryProvider,
} from '../test-support/memory-provider.ts'
import {
  createPayments,
  findViolations,
  newOrder,
  passDeadlines,
  readBooks,
  type Payments,
} from '../test-support/payments.ts'

const logger = createLogger({ service: 'payments', level: 'silent' })
const cause = new Error('the answer was lost')
const database = await paymentsStore()

const neverArrives: Intercept = async () => ({ outcome: 'unknown', cause })
const loseAnswers: Intercept = async (_call, execute) => {
  execute()
  return { outcome: 'unknown', cause }
}
const turnAway: Intercept = async () => ({ outcome: 'not_sent', cause })

let provider: MemoryProvider
let payments: Payments
let order: ReturnType<typeof newOrder>
let parcel: Parameters<Payments['capture']>[0]
let refund: Parameters<Payments['refund']>[0]
beforeEach(async () => {
  provider = createMemoryProvider()
  payments = createPayments(database, provider)
  order = newOrder()
  const { orderId } = order
  parcel = { orderId, shipmentId: randomUUID(), amount: 4_000, shipping: 500 }
  refund = { orderId, refundId: randomUUID(), amount: 3_000, reason: 'return' }
  await payments.authorize(order)
})

const theirs = () => provider.authorizations[0]!
const sent = (operation: string) => provider.calls.filter((call) => call.operation === operation).length
const own = (findings: Finding[]) => findings.filter(({ orderId }) => orderId === order.orderId)
const books = () => readBooks(database, order.orderId)
const dependencies = () => ({ ...payments.dependencies, database, logger })
const compare = async () => own(await createCompareProviderLedger(dependencies())())

/** The order's refunds and what is owed for its parcels. */
async function remains() {
  const refunds = await database.refund.findMany({ where: { payment: { orderId: order.orderId } } })
  const { id } = await database.payment.findUniqueOrThrow({ where: { orderId: order.orderId } })
  const owed = await database.ledgerEntry.findMany({ where: { paymentId: id, account: 'receivables' } })
  return {
    refunds: refunds.map(({ status, code }) => `${status} ${code}`),
    owed: owed.reduce((sum, { amount }) => sum + Number(amount), 0),
  }
}

/** Everybody who goes on with what is open, once the provider is there again. */
async function everybodyLooks(): Promise<Finding[]> {
  provider.intercept = answerSoon
  await passDeadlines(database, order.orderId)
  const settle = createSettleUnknownPayments({ ...dependencies(), afterSeconds: 0 })
  const findings = await settle()
  await database.$executeRaw`
    UPDATE refunds SET created_at = created_at - interval '1 minute'
    WHERE payment_id = (SELECT id FROM payments WHERE order_id = ${order.orderId}::uuid)`
  const carryOutRefund = createCarryOutRefund(payments.dependencies)
  await carryOutPendingRefunds({ database, carryOutRefund, logger })
  findings.push(...(await compare()))
  expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  return own(findings)
}

describe('a refund that an operator has paid otherwise', () => {
  beforeEach(() => payments.capture({ ...parcel, amount: 10_000, shipping: 0 }))

  it('is not sent again when its outcome was not known', async () => {
    provider.intercept = neverArrives
    await expect(payments.refund(refund)).rejects.toThrow('not known')
    await payments.giveUpRefund(refund)
    expect(await everybodyLooks()).toMatchObject([{ kind: 'unknown_payment', repaired: true }])
    expect([sent('refund'), theirs().refunded]).toEqual([1, 0])
    expect(await books()).toMatchObject({ attempts: expect.arrayContaining(['refund:1 declined']) })
    expect(await remains()).toMatchObject({ refunds: ['refused given_up'] })
  })

  it('is not sent at all when it never left', async () => {
    provider.intercept = turnAway
    await expect(payments.refund(refund)).rejects.toThrow('was not sent')
    await payments.giveUpRefund(refund)
    expect(await everybodyLooks()).toEqual([])
    expect([sent('refund'), theirs().refunded]).toEqual([1, 0])
    expect(await remains()).toMatchObject({ refunds: ['refused given_up'] })
  })

  it('is refused to whoever comes late, also when it was refused before or never begun', async () => {
    theirs().refunded = 10_000
    expect(await payments.refund(refund)).toMatchObject({ outcome: 'refused' })
    theirs().refunded = 0
    const other = { ...refund, refundId: randomUUID(), orWhatIsLeft: true }
    for (const late of [refund, other]) {
      for (let time = 0; time < 2; time++) await payments.giveUpRefund(late)
      expect(await payments.refund(late)).toEqual({ outcome: 'refused', code: 'given_up' })
    }
    expect(await everybodyLooks()).toEqual([])
    expect([sent('refund'), theirs().refunded]).toEqual([1, 0])
  })

  it('leaves what it had promised to others', async () => {
    provider.intercept = turnAway
    await expect(payments.refund({ ...refund, amount: 10_000 })).rejects.toThrow('was not sent')
    await payments.giveUpRefund({ ...refund, amount: 10_000 })
    await everybodyLooks()
    const other = { ...refund, refundId: randomUUID(), amount: 10_000 }
    expect(await payments.refund(other)).toEqual({ outcome: 'refunded', amount: 10_000 })
  })

  it('is booked and said when the provider had carried it out', async () => {
    provider.intercept = loseAnswers
    await expect(payments.refund(refund)).rejects.toThrow('not known')
    await payments.giveUpRefund(refund)
    const { orderId } = order
    const { id: subjectId } = await database.attempt.findUniqueOrThrow({
      where: { key: `${orderId}:refund:1` },
    })
    const detail = `${orderId}:refund:1 of 30.00 EUR was settled otherwise by an operator, and the provider has carried it out`
    const finding = { kind: 'ledger_mismatch', subjectId, orderId, detail, repaired: false }
    expect(await everybodyLooks()).toEqual([finding])
    expect([sent('refund'), theirs().refunded]).toEqual([1, 3_000])
    expect(await remains()).toMatchObject({ refunds: ['succeeded null'] })
    // whose report was lost has it again, for a while
    expect(await compare()).toEqual([finding])
    await database.$executeRaw`
      UPDATE attempts SET given_up_listed_at = given_up_listed_at - interval '1 hour' WHERE key = ${`${orderId}:refund:1`}`
    expect(await compare()).toEqual([])
  })

  it('is said when it is under way and succeeds, or had succeeded before', async () => {
    const answered = Promise.withResolvers<void>()
    const executing = Promise.withResolvers<void>()
    provider.intercept = async (_call, execute) => {
      executing.resolve()
      await answered.promise
      return execute()
    }
    const running = payments.refund(refund)
    await executing.promise
    await payments.giveUpRefund(refund)
    answered.resolve()
    expect(await running).toMatchObject({ outcome: 'refunded' })
    expect(await everybodyLooks()).toMatchObject([{ kind: 'ledger_mismatch', repaired: false }])
    const before = { ...refund, refundId: randomUUID() }
    await payments.refund(before)
    await payments.giveUpRefund(before)
    const found = await compare()
    // each is asked about by itself
    expect(new Set(found.map(({ subjectId }) => subjectId)).size).toBe(2)
  })

  it('is said when the provider carries it out after it was asked', async () => {
    provider.intercept = neverArrives
    await expect(payments.refund(refund)).rejects.toThrow('not known')
    await payments.giveUpRefund(refund)
    await everybodyLooks()
    await provider.refund(theirs().id, { amount: 3_000 }, 'our own call, very late')
    expect(await compare()).toMatchObject([
      { detail: expect.stringContaining('refunded 3000 there'), repaired: true },
      { detail: expect.stringContaining('settled otherwise'), repaired: false },
    ])
  })

  it('is not sent when it turns out that it never left after it was given up', async () => {
    const away = Promise.withResolvers<void>()
    const sending = Promise.withResolvers<void>()
    provider.intercept = async () => {
      sending.resolve()
      await away.promise
      return { outcome: 'not_sent', cause }
    }
    const running = payments.refund(refund)
    await sending.promise
    await payments.giveUpRefund(refund)
    away.resolve()
    expect(await running).toMatchObject({ outcome: 'refused' })
    expect(await everybodyLooks()).toEqual([])
    expect([sent('refund'), theirs().refunded]).toEqual([1, 0])
  })
})

describe('a capture that an operator has collected otherwise', () => {
  const lateComer = () => payments.capture(parcel)

  it('is not sent again when its outcome was not known, and is owed', async () => {
    provider.intercept = neverArrives
    await expect(payments.capture(parcel)).rejects.toThrow('not known')
    await payments.giveUpCapture(parcel)
    expect(await everybodyLooks()).toMatchObject([{ kind: 'unknown_payment', repaired: true }])
    expect(await lateComer()).toEqual({ outcome: 'refused', code: 'not_executed' })
    expect([sent('capture'), theirs().captured]).toEqual([1, 0])
    expect(await remains()).toMatchObject({ owed: 4_500 })
  })

  it('is not sent at all when it never left or was never begun, and is owed once', async () => {
    provider.intercept = turnAway
    await expect(payments.capture(parcel)).rejects.toThrow('was not sent')
    const other = { ...parcel, shipmentId: randomUUID(), amount: 1_000 }
    for (let time = 0; time < 2; time++) {
      await payments.giveUpCapture(parcel)
      await payments.giveUpCapture(other)
    }
    expect(await everybodyLooks()).toEqual([])
    expect(await lateComer()).toEqual({ outcome: 'refused', code: 'given_up' })
    expect(await payments.capture(other)).toEqual({ outcome: 'refused', code: 'given_up' })
    expect([sent('capture'), theirs().captured]).toEqual([1, 0])
    expect(await remains()).toMatchObject({ owed: 5_500 })
  })

  it('is not tried with a new key after it was declined', async () => {
    provider.intercept = async () => ({ outcome: 'declined', code: 'card_declined' })
    expect(await payments.capture(parcel)).toEqual({ outcome: 'refused', code: 'card_declined' })
    await payments.giveUpCapture(parcel)
    expect(await everybodyLooks()).toEqual([])
    expect(await lateComer()).toEqual({ outcome: 'refused', code: 'card_declined' })
    expect([sent('capture'), theirs().captured]).toEqual([1, 0])
    expect(await remains()).toMatchObject({ owed: 4_500 })
  })

  it('is owed, and authorized no more, when it comes too late for its authorization', async () => {
    provider.intercept = neverArrives
    await expect(payments.capture(parcel)).rejects.toThrow('not known')
    await payments.giveUpCapture(parcel)
    // the call that was on its way is answered after all
    const answer = { outcome: 'declined', code: 'authorization_expired' } as const
    Object.assign(theirs(), { released: 10_000, state: 'closed' })
    const { id } = await database.attempt.findUniqueOrThrow({ where: { key: `${order.orderId}:capture:1` } })
    await payments.dependencies.transact((tx) => book(tx, order.orderId, { id }, answer))
    expect(await everybodyLooks()).toEqual([])
    expect(await lateComer()).toEqual({ outcome: 'refused', code: 'authorization_expired' })
    expect([sent('capture'), sent('authorize')]).toEqual([1, 1])
    expect(await remains()).toMatchObject({ owed: 4_500 })
  })

  it('is booked and said when the provider had carried it out', async () => {
    provider.intercept = loseAnswers
    await expect(payments.capture(parcel)).rejects.toThrow('not known')
    await payments.giveUpCapture(parcel)
    const found = await everybodyLooks()
    expect(found).toMatchObject([{ kind: 'ledger_mismatch', repaired: false }])
    expect(found[0]!.detail).toContain(':capture:1 of 45.00 EUR was settled otherwise')
    expect(await lateComer()).toEqual({ outcome: 'captured', captured: 4_500 })
    expect([sent('capture'), theirs().captured]).toEqual([1, 4_500])
    expect(await remains()).toMatchObject({ owed: 0 })
  })

  it('leaves what was authorized to be released', async () => {
    provider.intercept = neverArrives
    await expect(payments.capture(parcel)).rejects.toThrow('not known')
    await payments.giveUpCapture(parcel)
    provider.intercept = answerSoon
    await payments.voidPayment(order)
    expect(theirs()).toMatchObject({ captured: 0, released: 10_000 })
    expect(await books()).toMatchObject({ status: 'voided', captured: 0, released: 10_000 })
    expect(await everybodyLooks()).toEqual([])
  })

  it('is nothing where nothing was to be paid, or nothing is known of the order', async () => {
    const free = newOrder({ amount: 0 })
    await payments.authorize(free)
    const { orderId } = free
    await payments.giveUpCapture({ orderId, shipmentId: randomUUID(), amount: 0, shipping: 0 })
    expect(await readBooks(database, orderId)).toMatchObject({ status: 'not_required', attempts: [] })
    const unknown = { orderId: randomUUID(), shipmentId: randomUUID(), amount: 1, shipping: 0 }
    await payments.giveUpCapture(unknown)
    await payments.giveUpRefund({ ...refund, ...unknown })
    expect(await database.payment.count({ where: { orderId: unknown.orderId } })).toBe(0)
  })
})
