import { describe, expect, it } from 'vitest'
import type { AuthorizationResult } from '#activities/payments.ts'
import { openSaga, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const ACTION: AuthorizationResult = { outcome: 'requires_action', url: 'https://bank.test/approve' }
const DECLINED: AuthorizationResult = { outcome: 'declined', code: 'card_declined' }
const AUTHORIZED: AuthorizationResult = { outcome: 'authorized', paymentId: 'p-1' }

/** Answers one after the other, the last one for good. */
function answers(...results: AuthorizationResult[]): void {
  saga.answers.authorizePayment = async () => (results.length > 1 ? results.shift()! : results[0]!)
}

const requests = () =>
  saga.asks('authorizePayment').map(({ request, paymentMethod }) => [request, paymentMethod])

const otherCard = (handle: Parameters<typeof saga.update>[0], paymentMethod: string) =>
  saga.update(handle, 'changePaymentMethod', { paymentMethod, by: 'customer' })

const UNDONE = ['voidPayment', 'releaseScreening', 'releaseReservation', 'recordProgress:rejected']

describe('a payment that the customer must approve', () => {
  it('goes on with the same request when it is approved', async () => {
    answers(ACTION, AUTHORIZED)
    const handle = await saga.start({ policy: waiting() })
    await saga.reaches(handle, 'awaiting_customer', 'payment_action')
    expect(await handle.query('progress')).toMatchObject({ waitingFor: { url: 'https://bank.test/approve' } })
    await handle.signal('paymentSettled', { orderId: 'o' })
    await saga.deliver()
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(requests()).toEqual([
      [1, 'pm_card_visa'],
      [1, 'pm_card_visa'],
    ])
  })

  it('expires when nobody approves it, and is voided', async () => {
    answers(ACTION)
    const handle = await saga.start({ policy: waiting({ paymentSeconds: 1 }) })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'expired' })
    expect(requests()).toHaveLength(2)
    expect(calls.slice(-4)).toEqual(UNDONE)
  })

  it('counts when it was approved and only the word of it was lost', async () => {
    answers(ACTION, AUTHORIZED)
    const handle = await saga.start({ policy: waiting({ paymentSeconds: 1 }) })
    await saga.deliver()
    expect(await handle.result()).toMatchObject({ status: 'completed' })
  })

  it('may be followed by another payment method when the bank declines it', async () => {
    answers(ACTION, DECLINED, AUTHORIZED)
    const handle = await saga.start({ policy: waiting() })
    await saga.reaches(handle, 'awaiting_customer', 'payment_action')
    await handle.signal('paymentSettled', { orderId: 'o' })
    await saga.reaches(handle, 'awaiting_customer', 'payment_method')
    await otherCard(handle, 'pm_card_mastercard')
    await saga.deliver()
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(requests().at(-1)).toEqual([2, 'pm_card_mastercard'])
  })

  it('keeps its stock until the customer’s time is up, and a margin', async () => {
    answers(ACTION, AUTHORIZED)
    const handle = await saga.start({ policy: waiting({ paymentSeconds: 7200 }) })
    await saga.reaches(handle, 'awaiting_customer', 'payment_action')
    await handle.signal('paymentSettled', { orderId: 'o' })
    await saga.deliver()
    await handle.result()
    const [extension] = saga.asks('extendReservation')
    expect(Date.parse(extension!.until) - Date.now()).toBeGreaterThan(7200_000)
    expect(saga.asks('extendReservation')).toHaveLength(1)
  })
})

describe('a payment that is declined', () => {
  it('takes another method, up to the third', async () => {
    answers(DECLINED)
    const handle = await saga.start({ policy: waiting() })
    await saga.reaches(handle, 'awaiting_customer', 'payment_method')
    await otherCard(handle, 'pm_second')
    await saga.called('authorizePayment', 2)
    await saga.reaches(handle, 'awaiting_customer', 'payment_method')
    await otherCard(handle, 'pm_third')
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(requests()).toEqual([
      [1, 'pm_card_visa'],
      [2, 'pm_second'],
      [3, 'pm_third'],
    ])
    expect(calls.slice(-4)).toEqual(UNDONE)
    expect(calls.filter((call) => call === 'voidPayment')).toHaveLength(1)
  })

  it('expires when no other method comes', async () => {
    answers(DECLINED)
    const handle = await saga.start({ policy: waiting({ paymentSeconds: 1 }) })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'expired' })
    expect(calls.slice(-4)).toEqual(UNDONE)
  })

  it('refuses a method that nobody asked for', async () => {
    const handle = await saga.start({ policy: waiting() })
    await saga.parcels()
    await expect(otherCard(handle, 'pm_second')).rejects.toMatchObject({
      cause: { type: 'no_payment_method_waiting' },
    })
    await saga.deliver()
    await handle.result()
    expect(requests()).toHaveLength(1)
  })

  it('ends an order from before that was possible', async () => {
    answers(DECLINED)
    const handle = await saga.start()
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(calls).not.toContain('recordProgress:awaiting_customer')
  })
})

describe('an authorization that ends before the parcels leave', () => {
  const ends = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()

  it('is renewed before they are booked', async () => {
    answers({ outcome: 'authorized', paymentId: 'p-1', expiresAt: ends(3600) })
    const handle = await saga.start({ policy: waiting({ dispatchSeconds: 3600 }) })
    await saga.deliver()
    await handle.result()
    const [renewal] = saga.asks('renewAuthorization')
    expect(Date.parse(renewal!.until) - Date.now()).toBeGreaterThan(24 * 3_600_000)
    expect(calls.indexOf('renewAuthorization')).toBeLessThan(calls.indexOf('bookShipment'))
  })

  it('stays when it lasts long enough', async () => {
    answers({ outcome: 'authorized', paymentId: 'p-1', expiresAt: ends(7 * 86_400) })
    const handle = await saga.start({ policy: waiting({ dispatchSeconds: 3600 }) })
    await saga.deliver()
    await handle.result()
    expect(calls).not.toContain('renewAuthorization')
  })

  it('is put before an operator when it cannot be renewed, unless the order is cancelled', async () => {
    answers({ outcome: 'authorized', paymentId: 'p-1', expiresAt: ends(3600) })
    saga.answers.renewAuthorization = async () => ({ outcome: 'declined', code: 'expired_card' })
    const handle = await saga.start({ policy: waiting() })
    await saga.isAsked(handle, 'renewAuthorization', 1)
    const { searchAttributes } = await handle.describe()
    expect(searchAttributes).toMatchObject({ OrderStatus: ['confirmed'], NeedsAttention: [true] })
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    await handle.result().catch(() => {})
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(saga.asks('clearAttention')).toMatchObject([{ action: 'resolve', by: 'customer' }])
    expect(calls).toContain('voidPayment')
    expect(calls).not.toContain('bookShipment')
  })
})
