/** What an operator has paid or collected otherwise is not paid or collected by the platform as well. */
import { describe, expect, it, vi } from 'vitest'
import { failing, openSaga, PATIENCE_MS, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const paidOtherwise = failing('the provider is away')

describe('an operator’s resolve', () => {
  it('of a capture has it given up, and what is authorized released in the end', async () => {
    saga.answers.capturePayment = async () => ({ outcome: 'refused', code: 'card_declined' })
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await saga.isAsked(handle, 'capture_failed', 1)
    await saga.operate(handle, 'resolve')
    await saga.called('giveUpCapture')
    expect(calls).not.toContain('voidPayment')
    await saga.report(parcel!, 'delivered')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(saga.asks('giveUpCapture')).toEqual(saga.asks('capturePayment'))
    expect(saga.asks('giveUpCapture')).toMatchObject([{ amount: 2000, shipping: 500 }])
    expect(calls.filter((call) => call === 'voidPayment')).toHaveLength(1)
  })

  it('of a lost parcel’s refund has it given up', async () => {
    saga.answers.refundPayment = paidOtherwise
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await saga.report(parcel!, 'lost')
    await saga.isAsked(handle, 'refundPayment')
    await saga.operate(handle, 'resolve')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(saga.asks('giveUpRefund')).toEqual([saga.asks('refundPayment')[0]])
    expect(saga.asks('giveUpRefund')).toMatchObject([{ amount: 2500, reason: 'lost' }])
    expect(calls).not.toContain('voidPayment')
  })

  it('of a lost parcel’s refund gives nothing up while nobody can say what it cost', async () => {
    saga.answers.quoteLostParcel = failing('the database is away')
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await saga.report(parcel!, 'lost')
    await saga.isAsked(handle, 'refundPayment')
    await saga.operate(handle, 'resolve')
    await handle.result()
    expect(calls).not.toContain('giveUpRefund')
  })

  it('of a return’s refund has it given up', async () => {
    saga.answers.refundPayment = paidOtherwise
    const handle = await saga.startReturn()
    await saga.update(handle, 'approve', { by: 'op' })
    await saga.update(handle, 'receive', { by: 'op', warehouse: 'AMS', disposition: 'restock' })
    await saga.called('raiseConcern')
    await saga.update(handle, 'operate', { action: 'resolve', by: 'op', note: 'by bank transfer' })
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 0 })
    const { orderId, refundId, amount, reason } = saga.asks('refundPayment')[0]!
    expect(saga.asks('giveUpRefund')).toEqual([{ orderId, refundId, amount, reason }])
  })

  it('of the shipping cost’s refund has it given up', async () => {
    saga.answers.quoteShippingBack = async () => ({ amount: 593 })
    saga.answers.refundPayment = paidOtherwise
    const handle = await saga.startSplit({ policy: waiting() })
    const parcels = await saga.parcels(2)
    for (const parcel of parcels)
      await vi.waitFor(async () => expect(await parcel.query('status')).toBe('booked'), PATIENCE_MS)
    await saga.report(parcels[0]!, 'dispatched')
    await saga.called('capturePayment')
    await saga.update(handle, 'cancel', { by: 'customer', reason: 'changed my mind' })
    await saga.report(parcels[0]!, 'delivered')
    await saga.isAsked(handle, 'refundPayment')
    await saga.operate(handle, 'resolve')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    const { orderId, refundId } = saga.asks('refundPayment')[0]!
    expect(saga.asks('giveUpRefund')).toEqual([{ orderId, refundId, amount: 593, reason: 'shipping' }])
  })
})
