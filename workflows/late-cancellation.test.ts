import { ApplicationFailure } from '@temporalio/common'
import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it, vi } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { failing, isAcceptance, openSaga, PATIENCE_MS, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const tooLate = async (): Promise<never> => {
  throw ApplicationFailure.nonRetryable('the parcel has left', FAILURE.refused)
}

const cancel = (handle: WorkflowHandle) =>
  saga.update(handle, 'cancel', { by: 'customer', reason: 'changed my mind' })

const ending = async (handle: WorkflowHandle): Promise<string> => {
  await handle.result().catch(() => {})
  return (await handle.describe()).status.name
}

/** The reasons that the orders service was told, by their codes; null takes one back. */
const reasons = () => saga.asks('recordProgress').map(({ reason }) => (reason === null ? null : reason?.code))

const UNDONE = ['voidPayment', 'releaseScreening', 'releaseReservation', 'recordProgress:cancelled']

/** Booked, and its workflow waits for what becomes of it. */
const booked = (parcel: WorkflowHandle) =>
  vi.waitFor(async () => expect(await parcel.query('status')).toBe('booked'), PATIENCE_MS)

describe('a cancellation after the confirmation', () => {
  it('gives up a parcel at once whose question waits behind another one', async () => {
    saga.answers.capturePayment = async () => ({ outcome: 'refused', code: 'declined' })
    const handle = await saga.startSplit({ policy: waiting() })
    const [leaves, stays] = await saga.parcels(2)
    await Promise.all([leaves!, stays!].map(booked))
    await saga.report(leaves!, 'dispatched')
    await saga.isAsked(handle, 'capture_failed', 1)
    await stays!.terminate('by mistake')
    await vi.waitFor(async () => {
      const told = (await saga.history(handle)).map(
        (event) => event.childWorkflowExecutionTerminatedEventAttributes,
      )
      expect(told.some(Boolean)).toBe(true)
    }, PATIENCE_MS)
    await cancel(handle)
    await saga.called('cancelShipment')
    expect(saga.asks('cancelShipment')).toMatchObject([
      { shipmentId: stays!.workflowId.replace('shipment-', '') },
    ])
    await saga.isAsked(handle, 'capture_failed', 1) // still
    await saga.operate(handle, 'resolve')
    await saga.report(leaves!, 'delivered')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(saga.asks('raiseAttention').map(({ operation }) => operation)).toEqual(['capture_failed'])
  })

  it('cancels every parcel that has not left, and closes the order as cancelled', async () => {
    const handle = await saga.startSplit({ policy: waiting() })
    const parcels = await saga.parcels(2)
    await Promise.all(parcels.map(booked))
    await cancel(handle)
    expect(await ending(handle)).toBe('CANCELLED')
    expect(await Promise.all(parcels.map((parcel) => parcel.result()))).toMatchObject([
      { status: 'cancelled' },
      { status: 'cancelled' },
    ])
    expect(calls.filter((call) => call === 'cancelShipment')).toHaveLength(2)
    expect(calls.slice(-4)).toEqual(UNDONE)
    expect(calls).not.toContain('capturePayment')
    expect(calls).not.toContain('releaseParcelStock')
  })

  it('is written down once its acceptance is in the history', async () => {
    const handle = await saga.start({ policy: waiting() })
    await saga.parcels()
    let accepted: boolean | undefined
    saga.answers.recordProgress = async ({ status }) => {
      if (status === 'cancelling') accepted ??= (await saga.history(handle)).some(isAcceptance)
    }
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    await handle.result().catch(() => {})
    expect(accepted).toBe(true)
  })

  it('leaves alone the parcel that has left: the order goes on with it', async () => {
    saga.answers.quoteShippingBack = async () => ({ amount: 593 })
    const handle = await saga.startSplit({ policy: waiting() })
    const [gone, here] = await saga.parcels(2)
    await Promise.all([booked(gone!), booked(here!)])
    await saga.report(gone!, 'dispatched')
    await saga.called('capturePayment')
    await cancel(handle)
    expect(await here!.result()).toMatchObject({ status: 'cancelled' })
    await saga.reaches(handle, 'fulfilling')
    await expect(cancel(handle)).rejects.toMatchObject({ cause: { type: 'order_not_cancellable' } })
    await saga.report(gone!, 'delivered')
    const result = await handle.result()
    expect(result).toMatchObject({ status: 'completed' })
    expect(result.status === 'completed' && result.parcels.map(({ status }) => status).toSorted()).toEqual([
      'cancelled',
      'delivered',
    ])
    expect(saga.asks('cancelShipment')).toHaveLength(1)
    expect(saga.asks('releaseParcelStock')).toMatchObject([
      { shipmentId: saga.asks('cancelShipment')[0]!.shipmentId },
    ])
    expect(saga.asks('releaseParcelPayment')).toHaveLength(1)
    expect(calls.filter((call) => call === 'capturePayment')).toHaveLength(1)
    expect(calls).not.toContain('releaseReservation')
    const [{ shipmentId: refundId } = { shipmentId: '' }] = saga.asks('cancelShipment')
    const left = saga.asks('capturePayment').map(({ shipmentId }) => shipmentId)
    expect(saga.asks('quoteShippingBack')).toMatchObject([{ givenUp: [refundId], left }])
    expect(saga.asks('refundPayment')).toMatchObject([{ refundId, amount: 593, orWhatIsLeft: true }])
    expect(calls.slice(-4)).toEqual([
      'voidPayment',
      'quoteShippingBack',
      'refundPayment',
      'recordProgress:completed',
    ])
    const statuses = calls.filter((call) => call.startsWith('recordProgress'))
    expect(statuses.slice(-3)).toEqual([
      'recordProgress:cancelling',
      'recordProgress:fulfilling',
      'recordProgress:completed',
    ])
    expect(reasons().slice(-3)).toEqual(['cancelled', 'partly_cancelled', undefined])
  })

  it('comes too late for a parcel that the carrier has taken: it is captured when the word of it comes', async () => {
    saga.answers.cancelShipment = tooLate
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await booked(parcel!)
    await cancel(handle)
    await saga.called('cancelShipment')
    await saga.called('recordProgress:fulfilling', 2)
    await saga.report(parcel!, 'dispatched')
    await saga.report(parcel!, 'delivered')
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'delivered' }] })
    expect(saga.asks('capturePayment')).toHaveLength(1)
    expect(calls).not.toContain('voidPayment')
    expect(reasons().slice(-3)).toEqual(['cancelled', null, undefined])
  })

  it('reaches a parcel whose booking hangs', async () => {
    saga.answers.bookShipment = async ({ shipmentId }) => {
      ;(saga.shipmentIds as Set<string>).add(shipmentId)
      throw new Error('the carrier is away')
    }
    const handle = await saga.start({
      policy: { ...waiting(), compensationAttempts: 1000, maximumIntervalSeconds: 60 },
    })
    await saga.parcels()
    await cancel(handle)
    expect(await ending(handle)).toBe('CANCELLED')
    expect(calls.slice(-4)).toEqual(UNDONE)
  })

  it('answers the operator’s question about a parcel that nobody wants any more', async () => {
    saga.answers.bookShipment = async () => {
      throw ApplicationFailure.nonRetryable('no such address', FAILURE.refused)
    }
    const handle = await saga.start({ policy: waiting() })
    await saga.isAsked(handle, 'ship', 1)
    await cancel(handle)
    expect(await ending(handle)).toBe('CANCELLED')
    expect(saga.asks('clearAttention')).toMatchObject([{ by: 'customer', action: 'resolve' }])
    expect(calls).toContain('cancelShipment')
    expect(calls.slice(-4)).toEqual(UNDONE)
  })

  it('asks an operator when the carrier cannot be reached to cancel a parcel', async () => {
    saga.answers.cancelShipment = failing('the carrier is away')
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await booked(parcel!)
    await cancel(handle)
    await saga.isAsked(handle, 'cancelShipment')
    expect(await handle.query('progress')).toMatchObject({ status: 'cancelling' })
    saga.answers.cancelShipment = async () => {}
    await saga.operate(handle, 'retry')
    expect(await ending(handle)).toBe('CANCELLED')
    expect(calls.slice(-4)).toEqual(UNDONE)
  })

  it('in the time for amendments undoes everything before a parcel is booked', async () => {
    const handle = await saga.start({ policy: waiting({ amendmentSeconds: 600 }) })
    await saga.reaches(handle, 'confirmed')
    await cancel(handle)
    expect(await ending(handle)).toBe('CANCELLED')
    expect(calls).not.toContain('bookShipment')
    expect(calls.slice(-5)).toEqual(['recordProgress:cancelling', ...UNDONE])
  })
})

describe('a parcel that is lost', () => {
  const lose = async (parcel: WorkflowHandle) => {
    await saga.report(parcel, 'dispatched')
    await saga.report(parcel, 'lost')
  }

  it('is paid back, by policy', async () => {
    const handle = await saga.start({ policy: waiting({ lostParcel: 'refund' }) })
    const [parcel] = await saga.parcels()
    await lose(parcel!)
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'lost' }] })
    const [{ shipmentId } = { shipmentId: '' }] = saga.asks('capturePayment')
    expect(saga.asks('refundPayment')).toMatchObject([{ refundId: shipmentId, amount: 2500, reason: 'lost' }])
  })

  it('is sent once more, by policy, and costs nothing more', async () => {
    const handle = await saga.start({ policy: waiting({ lostParcel: 'reship' }) })
    const [first] = await saga.parcels()
    await lose(first!)
    const [, second] = await saga.parcels(2)
    await saga.report(second!, 'dispatched')
    await saga.report(second!, 'delivered')
    expect(await handle.result()).toMatchObject({ parcels: [{ status: 'lost' }, { status: 'delivered' }] })
    const [lost, replacement] = saga.asks('bookShipment')
    expect(replacement).toMatchObject({ replaces: lost!.shipmentId, lines: lost!.lines })
    expect(saga.asks('reserveInventory').at(-1)).toMatchObject({ reservationId: replacement!.shipmentId })
    expect(calls.filter((call) => call === 'capturePayment')).toHaveLength(1)
    expect(calls).not.toContain('refundPayment')
  })

  it('is paid back when there is nothing to send, or the second is lost too', async () => {
    const reserve = saga.answers.reserveInventory
    saga.answers.reserveInventory = async (input) =>
      input.reservationId === undefined ? reserve(input) : { outcome: 'out_of_stock', shortages: [] }
    const one = await saga.start({ policy: waiting({ lostParcel: 'reship' }) })
    const [parcel] = await saga.parcels()
    await lose(parcel!)
    await one.result()
    expect(saga.asks('refundPayment')).toHaveLength(1)

    saga.answers.reserveInventory = reserve
    const two = await saga.start({ policy: waiting({ lostParcel: 'reship' }) })
    const [, first] = await saga.parcels(2)
    await lose(first!)
    const [, , second] = await saga.parcels(3)
    await lose(second!)
    expect(await two.result()).toMatchObject({ parcels: [{ status: 'lost' }, { status: 'lost' }] })
    expect(saga.asks('refundPayment')).toHaveLength(2)
    expect(saga.asks('bookShipment')).toHaveLength(3)
    const [, lost, replacement] = saga.asks('bookShipment')
    expect(saga.asks('quoteLostParcel').at(-1)).toMatchObject({
      shipmentId: replacement!.shipmentId,
      replaces: lost!.shipmentId,
    })
  })

  it('is paid back, and its stock released, when what replaces it cannot be sent', async () => {
    const handle = await saga.start({ policy: waiting({ lostParcel: 'reship' }) })
    const [first] = await saga.parcels()
    saga.answers.bookShipment = async () => {
      throw ApplicationFailure.nonRetryable('no such address', FAILURE.refused)
    }
    await lose(first!)
    await saga.isAsked(handle, 'ship', 1)
    await saga.operate(handle, 'resolve')
    expect(await handle.result()).toMatchObject({ parcels: [{ status: 'lost' }, { status: 'cancelled' }] })
    const [, { shipmentId } = { shipmentId: '' }] = saga.asks('bookShipment')
    expect(saga.asks('releaseParcelStock')).toMatchObject([{ shipmentId }])
    expect(saga.asks('refundPayment')).toMatchObject([{ refundId: shipmentId }])
  })

  it('stays with the operator while its money cannot be paid back', async () => {
    saga.answers.refundPayment = async () => ({ outcome: 'refused', code: 'disputed' })
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await lose(parcel!)
    await saga.isAsked(handle, 'refundPayment', 1)
    await saga.operate(handle, 'resolve')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
  })
})

describe('a parcel that is on its way for too long', () => {
  it('is put before the operators once, until it arrives', async () => {
    const handle = await saga.start({ policy: waiting({ deliverySeconds: 1 }) })
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await saga.called('raiseConcern')
    await saga.report(parcel!, 'delivered')
    await handle.result()
    const [raised] = saga.asks('raiseConcern')
    expect(raised).toMatchObject({ source: expect.stringMatching(/^shipment:.*:overdue$/) })
    expect(saga.asks('settleConcern')).toMatchObject([{ source: raised!.source }])
  })

  it('is nobody’s concern when it arrives in time', async () => {
    const handle = await saga.start({ policy: waiting() })
    await saga.deliver()
    await handle.result()
    expect(calls).not.toContain('raiseConcern')
    expect(calls).not.toContain('settleConcern')
  })
})
