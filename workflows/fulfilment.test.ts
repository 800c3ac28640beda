import { ApplicationFailure } from '@temporalio/common'
import { describe, expect, it, vi } from 'vitest'
import { FAILURE, shipmentWorkflowId } from '#contracts/workflows.ts'
import { failing, openSaga, PATIENCE_MS } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const refused = (message: string) => async (): Promise<never> => {
  throw ApplicationFailure.nonRetryable(message, FAILURE.refused)
}

describe('a parcel that cannot be booked', () => {
  it('stays with the operator when giving it up fails too', async () => {
    saga.answers.bookShipment = refused('no such address')
    saga.answers.cancelShipment = failing('the carrier is away')
    const handle = await saga.start()
    await saga.isAsked(handle, 'ship', 1)
    await saga.operate(handle, 'resolve')
    await saga.isAsked(handle, 'cancelShipment')
    saga.answers.cancelShipment = async () => {}
    await saga.operate(handle, 'retry')
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'cancelled' }] })
    expect(calls.filter((call) => call === 'cancelShipment')).toHaveLength(3)
  })

  it('stays with the operator while its money or its stock cannot be released', async () => {
    saga.answers.bookShipment = refused('no such address')
    saga.answers.releaseParcelStock = failing('the database is away')
    saga.answers.voidPayment = failing('the provider is away')
    const handle = await saga.start()
    await saga.isAsked(handle, 'ship', 1)
    await saga.operate(handle, 'resolve')
    await saga.isAsked(handle, 'releaseParcelStock')
    saga.answers.releaseParcelStock = async () => {}
    await saga.operate(handle, 'retry')
    await saga.isAsked(handle, 'voidPayment')
    await saga.operate(handle, 'resolve')
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'cancelled' }] })
    expect(calls).not.toContain('releaseReservation')
    expect(calls.slice(-2)).toEqual(['clearAttention', 'recordProgress:completed'])
  })
})

describe('a parcel whose workflow was ended by hand', () => {
  it('is followed from where it is, and paid, after a retry', async () => {
    const handle = await saga.start()
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await vi.waitFor(() => expect(calls).toContain('capturePayment'), PATIENCE_MS)
    await parcel!.terminate('by mistake')
    await saga.isAsked(handle, 'ship')
    saga.answers.bookShipment = async () => ({
      outcome: 'booked',
      trackingNumber: 'T1',
      status: 'dispatched',
    })
    await saga.operate(handle, 'retry')
    await vi.waitFor(
      () => expect(calls.filter((call) => call === 'bookShipment')).toHaveLength(2),
      PATIENCE_MS,
    )
    await vi.waitFor(() => saga.report(parcel!, 'delivered'), PATIENCE_MS)
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'delivered' }] })
  })

  it('is followed again when it was to be given up and has left', async () => {
    const handle = await saga.start()
    const [parcel] = await saga.parcels()
    await parcel!.terminate('by mistake')
    await saga.isAsked(handle, 'ship')
    saga.answers.cancelShipment = refused('the parcel has left')
    saga.answers.bookShipment = async () => ({
      outcome: 'booked',
      trackingNumber: 'T1',
      status: 'delivered',
    })
    await saga.operate(handle, 'resolve')
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'delivered' }] })
    expect(calls).toContain('capturePayment')
    expect(calls).not.toContain('voidPayment')
  })
})

describe('a parcel whose order was ended by hand', () => {
  it('goes on to its end', async () => {
    const handle = await saga.start()
    const [parcel] = await saga.parcels()
    await handle.terminate('by mistake')
    expect(await saga.report(parcel!, 'dispatched')).toBe('dispatched')
    expect(await saga.report(parcel!, 'delivered')).toBe('delivered')
    expect(await parcel!.result()).toMatchObject({ status: 'delivered' })
    expect(calls.filter((call) => call.startsWith('recordParcel'))).toEqual([
      'recordParcel:dispatched',
      'recordParcel:delivered',
    ])
  })
})

describe('a parcel that was cancelled before it was booked', () => {
  it('refuses the reports that came meanwhile', async () => {
    const asked = Promise.withResolvers<string>()
    const answer = Promise.withResolvers<{ outcome: 'cancelled' }>()
    saga.answers.bookShipment = ({ shipmentId }) => {
      asked.resolve(shipmentId)
      return answer.promise
    }
    const handle = await saga.start()
    const parcel = saga.client.workflow.getHandle(shipmentWorkflowId(await asked.promise))
    const reported = saga.report(parcel, 'dispatched')
    reported.catch(() => {}) // looked at below
    await vi.waitFor(async () => {
      const { events } = await parcel.fetchHistory()
      expect(events?.some((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toBe(true)
    }, PATIENCE_MS)
    answer.resolve({ outcome: 'cancelled' })
    await expect(reported).rejects.toMatchObject({ cause: { type: 'shipment_transition_refused' } })
    expect(await handle.result()).toMatchObject({ parcels: [{ status: 'cancelled' }] })
    expect(calls).not.toContain('capturePayment')
  })
})
