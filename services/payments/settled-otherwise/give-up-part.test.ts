/** A refund over two authorizations that stopped half-way: the operator has paid only the rest. */
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { paymentsStore } from '#tests/support/payments.ts'
import { findPaidTwice } from './find-paid-twice.ts'
import { createMemoryProvider, type Intercept, type MemoryProvider } from '../test-support/memory-provider.ts'
import {
  createPayments,
  findViolations,
  newOrder,
  passDeadlines,
  type Payments,
} from '../test-support/payments.ts'

const database = await paymentsStore()
let provider: MemoryProvider
let payments: Payments
let refund: Parameters<Payments['refund']>[0]
beforeEach(async () => {
  provider = createMemoryProvider({ multicapture: false })
  payments = createPayments(database, provider)
  const order = newOrder()
  const { orderId } = order
  refund = { orderId, refundId: randomUUID(), amount: 10_000, reason: 'return' }
  const parts = [4_000, 6_000].map((amount) => ({ shipmentId: randomUUID(), amount }))
  await payments.authorize({ ...order, parts })
  for (const part of parts) await payments.capture({ orderId, ...part, shipping: 0 })
})

const paidTwice = async () =>
  (await findPaidTwice(database)).filter(({ orderId }) => orderId === refund.orderId)
const refunded = () => provider.authorizations.map((each) => each.refunded)
const statusOf = async () =>
  (await database.refund.findMany({ where: { payment: { orderId: refund.orderId } } })).map(
    ({ status, code }) => `${status} ${code}`,
  )

/** Of this refund the first part goes back. */
const onlyTheFirst =
  (second: Intercept): Intercept =>
  async (call, execute) =>
    call.operation === 'refund' && call.key.endsWith(':refund:2') ? second(call, execute) : execute()

describe('a refund that had gone back in part when an operator paid the rest', () => {
  it('is not paid twice where the rest was declined', async () => {
    provider.intercept = onlyTheFirst(async () => ({ outcome: 'declined', code: 'card_closed' }))
    expect(await payments.refund(refund)).toEqual({ outcome: 'refused', code: 'card_closed' })
    for (let time = 0; time < 2; time++) await payments.giveUpRefund(refund)
    expect(await payments.refund(refund)).toMatchObject({ outcome: 'refused' })
    expect(await paidTwice()).toEqual([])
    expect([refunded(), await statusOf()]).toEqual([[4_000, 0], ['refused given_up']])
    expect(await findViolations(database, refund.orderId, provider.authorizations)).toEqual([])
  })

  it('is not gone on with where the rest was never begun', async () => {
    let transactions = 0
    const crashing = createPayments(database, provider, {
      transact: (work) =>
        ++transactions > 3
          ? Promise.reject(new Error('the process died'))
          : payments.dependencies.transact(work),
    })
    await expect(crashing.refund(refund)).rejects.toThrow('died')
    expect([refunded(), await statusOf()]).toEqual([[4_000, 0], ['pending null']])
    for (let time = 0; time < 2; time++) await payments.giveUpRefund(refund)
    expect(await payments.refund(refund)).toEqual({ outcome: 'refused', code: 'given_up' })
    expect(await paidTwice()).toEqual([])
    expect(refunded()).toEqual([4_000, 0])
  })

  it('is paid twice only in what was open and has happened after all', async () => {
    const lost = new Error('the answer was lost')
    provider.intercept = onlyTheFirst(async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    })
    await expect(payments.refund(refund)).rejects.toThrow('not known')
    await payments.giveUpRefund(refund)
    await passDeadlines(database, refund.orderId)
    expect(await payments.refund(refund)).toEqual({ outcome: 'refunded', amount: 10_000 })
    // who had lost the answer says it once more
    await payments.giveUpRefund(refund)
    expect(await paidTwice()).toMatchObject([{ detail: expect.stringContaining(':refund:2 of 60.00 EUR') }])
  })
})
