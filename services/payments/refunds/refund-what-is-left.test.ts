/** A refund of what is left, where more has gone back than its parcel's own: by hand, or by the customer's bank. */
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { paymentsStore } from '#tests/support/payments.ts'
import { answerSoon, createMemoryProvider, type MemoryProvider } from '../test-support/memory-provider.ts'
import { createPayments, findViolations, newOrder, type Payments } from '../test-support/payments.ts'

const database = await paymentsStore()
let provider: MemoryProvider
let payments: Payments
let order: ReturnType<typeof newOrder>
beforeEach(async () => {
  provider = createMemoryProvider()
  payments = createPayments(database, provider)
  order = newOrder()
  await payments.authorize(order)
})

const parcelOf = (amount = 10_000) => ({
  orderId: order.orderId,
  shipmentId: randomUUID(),
  amount,
  shipping: 0,
})
const capture = (amount?: number) => payments.capture(parcelOf(amount))
const refunding = (amount: number) => ({
  orderId: order.orderId,
  refundId: randomUUID(),
  amount,
  reason: 'lost',
})
const whatIsLeft = (amount: number) => ({ ...refunding(amount), orWhatIsLeft: true })
const calls = () => provider.calls.filter(({ operation }) => operation === 'refund')
const violations = () => findViolations(database, order.orderId, provider.authorizations)

describe('a refund of what is left', () => {
  it('gives back what is left, where that is asked for: be it nothing, and once', async () => {
    await capture()
    await payments.refund(refunding(7_000))
    const rest = { ...refunding(5_000), orWhatIsLeft: true }
    expect(await payments.refund({ ...rest, orWhatIsLeft: false })).toMatchObject({ outcome: 'refused' })
    for (let time = 0; time < 2; time++)
      expect(await payments.refund(rest)).toEqual({ outcome: 'refunded', amount: 3_000 })
    const none = { ...refunding(1_000), orWhatIsLeft: true }
    expect(await payments.refund(none)).toEqual({ outcome: 'refunded', amount: 0 })
    expect(calls()).toHaveLength(2)
    expect(provider.authorizations[0]).toMatchObject({ captured: 10_000, refunded: 10_000 })
    expect(await violations()).toEqual([])
  })

  it('gives back nothing where nothing was captured and what is left is asked for', async () => {
    expect(await payments.refund({ ...refunding(1_000), orWhatIsLeft: true })).toEqual({
      outcome: 'refunded',
      amount: 0,
    })
    expect(calls()).toEqual([])
  })

  it('shrinks what the provider has refused to what is left when it is tried again', async () => {
    await capture()
    const wanted = { ...refunding(5_000), orWhatIsLeft: true }
    const other = refunding(7_000)
    provider.intercept = async () => ({ outcome: 'declined', code: 'card_closed' })
    expect(await payments.refund(wanted)).toMatchObject({ outcome: 'refused' })
    provider.intercept = answerSoon
    await payments.refund(other)
    expect(await payments.refund(wanted)).toEqual({ outcome: 'refunded', amount: 3_000 })
    expect(await violations()).toEqual([])
  })

  it('is refused where the money was collected otherwise, and is given up then', async () => {
    const parcel = parcelOf()
    provider.intercept = async () => ({ outcome: 'declined', code: 'card_declined' })
    await payments.capture(parcel)
    await payments.giveUpCapture(parcel)
    provider.intercept = answerSoon
    const lost = whatIsLeft(10_000)
    for (let time = 0; time < 2; time++)
      expect(await payments.refund(lost)).toEqual({ outcome: 'refused', code: 'payment_not_captured' })
    await payments.giveUpRefund(lost)
    expect(await payments.refund(lost)).toEqual({ outcome: 'refused', code: 'given_up' })
    expect(calls()).toEqual([])
    expect(await violations()).toEqual([])
  })

  it('is refused where nobody knows yet whether what was given up was captured', async () => {
    const parcel = parcelOf()
    provider.intercept = async () => ({ outcome: 'unknown', cause: new Error('the answer was lost') })
    await expect(payments.capture(parcel)).rejects.toThrow('not known')
    await payments.giveUpCapture(parcel)
    expect(await payments.refund(whatIsLeft(10_000))).toMatchObject({ outcome: 'refused' })
  })

  it('is refused where another parcel’s money has gone back in the place of what was not captured', async () => {
    const cash = parcelOf(4_000)
    await capture(6_000)
    await payments.giveUpCapture(cash)
    expect(await payments.refund(whatIsLeft(4_000))).toEqual({ outcome: 'refunded', amount: 4_000 })
    expect(await payments.refund(whatIsLeft(6_000))).toEqual({
      outcome: 'refused',
      code: 'refund_exceeds_captured',
    })
    expect(provider.authorizations[0]).toMatchObject({ captured: 6_000, refunded: 4_000 })
    expect(await violations()).toEqual([])
  })

  it('is what is left once what was owed has been captured after all', async () => {
    const late = parcelOf(4_000)
    await capture(6_000)
    provider.intercept = async () => ({ outcome: 'declined', code: 'card_declined' })
    await payments.capture(late)
    provider.intercept = answerSoon
    await payments.refund(refunding(1_500))
    const lost = whatIsLeft(6_000)
    expect(await payments.refund(lost)).toMatchObject({ outcome: 'refused' })
    await payments.capture(late)
    expect(await payments.refund(lost)).toEqual({ outcome: 'refunded', amount: 6_000 })
    expect(await payments.refund(whatIsLeft(4_000))).toEqual({ outcome: 'refunded', amount: 2_500 })
    expect(await violations()).toEqual([])
  })
})
