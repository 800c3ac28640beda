import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it, vi } from 'vitest'
import type { ParcelNews } from '#contracts/workflows.ts'
import { resetRun } from '#stack/demo/reset-run.ts'
import { openSaga, PATIENCE_MS, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const captures = () => saga.asks('capturePayment').map(({ shipmentId }) => shipmentId)
const idOf = ({ workflowId }: WorkflowHandle) => workflowId.replace('shipment-', '')
const resetTo = (to: 'first' | 'last', { workflowId }: WorkflowHandle) =>
  resetRun(saga.client, workflowId, to)
const isBooked = (parcel: WorkflowHandle) =>
  vi.waitFor(async () => expect(await parcel.query('status')).toBe('booked'), PATIENCE_MS)

/** What the reconciliation says. */
const hear = (order: WorkflowHandle, parcel: WorkflowHandle, status: ParcelNews['status']) =>
  saga.update(order, 'hearOfParcel', { shipmentId: idOf(parcel), status })

/** An order on its way, whose parcel is booked. */
async function underWay() {
  const order = await saga.start({ policy: waiting() })
  const [parcel] = await saga.parcels()
  await isBooked(parcel!)
  await saga.called('recordProgress:fulfilling')
  return { order: saga.client.workflow.getHandle(order.workflowId), parcel: parcel! }
}

describe('an order that was reset to its last task after its parcel had moved', () => {
  /** Terminated; then its parcel goes on alone. */
  async function deaf(...statuses: string[]) {
    const { order, parcel } = await underWay()
    await order.terminate('by mistake')
    for (const status of statuses) await saga.report(parcel, status)
    if (statuses.length > 1) await parcel.result()
    return { order: await resetTo('last', order), parcel }
  }

  it('is paid and completes when it is told of the end that it missed', async () => {
    const { order, parcel } = await deaf('dispatched', 'delivered')
    await hear(order, parcel, 'delivered')
    expect(await order.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'delivered' }] })
    expect(captures()).toEqual([idOf(parcel)])
  })

  it('pays back what it is told was lost', async () => {
    const { order, parcel } = await deaf('dispatched', 'lost')
    await hear(order, parcel, 'lost')
    expect(await order.result()).toMatchObject({ parcels: [{ status: 'lost' }] })
    expect(captures()).toEqual([idOf(parcel)])
    expect(saga.asks('refundPayment')).toMatchObject([{ refundId: idOf(parcel), reason: 'lost' }])
  })

  it('goes on with what has left when its customer cancels before it is told', async () => {
    const { order, parcel } = await deaf('dispatched', 'delivered')
    await saga.update(order, 'cancel', { by: 'customer', reason: null })
    await saga.called('recordProgress:cancelling')
    await hear(order, parcel, 'delivered')
    expect(await order.result()).toMatchObject({ status: 'completed' })
    expect(captures()).toEqual([idOf(parcel)])
    expect(calls).not.toContain('voidPayment')
  })

  it('captures once what it is told has left, and hears the end as ever', async () => {
    const { order, parcel } = await deaf('dispatched')
    await hear(order, parcel, 'dispatched')
    await saga.called('capturePayment')
    await saga.report(parcel, 'delivered')
    expect(await order.result()).toMatchObject({ status: 'completed' })
    expect(captures()).toEqual([idOf(parcel)])
  })

  it('refuses what it knows, and what it has no parcel for', async () => {
    const { order, parcel } = await deaf('dispatched')
    const isKnown = (news: Promise<unknown>) =>
      expect(news).rejects.toMatchObject({ cause: { type: 'parcel_news_known' } })
    const strange = () =>
      isKnown(saga.update(order, 'hearOfParcel', { shipmentId: randomUUID(), status: 'lost' }))
    await strange()
    const accepted = (await saga.history(order)).filter(
      ({ workflowExecutionUpdateAcceptedEventAttributes: update }) => update != null,
    )
    expect(accepted).toEqual([])
    await hear(order, parcel, 'dispatched')
    await isKnown(hear(order, parcel, 'dispatched'))
    // it is still making good when it is told once more
    const quoted = Promise.withResolvers<{ amount: number }>()
    saga.answers.quoteLostParcel = () => quoted.promise
    await saga.report(parcel, 'lost')
    await saga.called('quoteLostParcel')
    await isKnown(hear(order, parcel, 'lost'))
    quoted.resolve({ amount: 0 })
    await order.result()
  })

  it('refuses news of a parcel that it has given up itself', async () => {
    const order = await saga.startSplit({ policy: waiting() })
    const [givenUp, other] = await saga.parcels(2)
    await Promise.all([givenUp!, other!].map(isBooked))
    await givenUp!.terminate('by mistake')
    await saga.isAsked(order, 'ship')
    await saga.operate(order, 'resolve')
    await saga.called('cancelShipment')
    await vi.waitFor(
      async () => expect(await order.query('progress')).toMatchObject({ attention: null }),
      PATIENCE_MS,
    )
    await expect(hear(order, givenUp!, 'cancelled')).rejects.toMatchObject({
      cause: { type: 'parcel_news_known' },
    })
    await saga.report(other!, 'dispatched')
    await saga.report(other!, 'delivered')
    expect(await order.result()).toMatchObject({ status: 'completed' })
  })
})

describe('an order that finds its parcel under way', () => {
  it('follows it when it was reset to a point before it', async () => {
    const { order, parcel } = await underWay()
    await saga.report(parcel, 'dispatched')
    await saga.called('capturePayment')
    saga.answers.locateParcel = async () => ({ status: 'dispatched' })
    await resetTo('first', order)
    await saga.called('locateParcel')
    await saga.report(parcel, 'delivered')
    expect(await order.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'delivered' }] })
    expect(new Set(captures())).toEqual(new Set([idOf(parcel)]))
    expect(saga.shipmentIds.size).toBe(1)
  })

  it('follows it when a person has reset the parcel, and an operator says to go on', async () => {
    const { order, parcel } = await underWay()
    await parcel.terminate('by mistake')
    await saga.isAsked(order, 'ship')
    const again = await resetTo('last', parcel)
    await saga.operate(order, 'retry')
    await saga.called('locateParcel')
    await saga.report(again, 'dispatched')
    await saga.report(again, 'delivered')
    expect(await order.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'delivered' }] })
    expect(captures()).toEqual([idOf(parcel)])
  })

  it('hears from shipping of one that had left and arrived before', async () => {
    const { order, parcel } = await underWay()
    await order.terminate('by mistake')
    await saga.report(parcel, 'dispatched')
    await saga.report(parcel, 'delivered')
    await parcel.result()
    saga.answers.locateParcel = async () => ({ status: 'delivered' })
    await resetTo('first', order)
    expect(await order.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'delivered' }] })
    expect(captures()).toEqual([idOf(parcel)])
  })

  it('cancels it with the order', async () => {
    const { order, parcel } = await underWay()
    await resetTo('first', order)
    await saga.called('locateParcel')
    await saga.update(order, 'cancel', { by: 'customer', reason: null })
    expect(await parcel.result()).toMatchObject({ status: 'cancelled' })
    await expect(order.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } })
    expect(calls.slice(-3)).toEqual(expect.arrayContaining(['recordProgress:cancelled']))
    expect([captures(), calls.filter((call) => call === 'voidPayment').length]).toEqual([[], 1])
  })

  it('asks the carrier to cancel one whose workflow has ended without an end of the parcel', async () => {
    const { order, parcel } = await underWay()
    await resetTo('first', order)
    await saga.called('locateParcel')
    await parcel.terminate('by mistake')
    await saga.update(order, 'cancel', { by: 'customer', reason: null })
    await expect(order.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } })
    expect(saga.asks('cancelShipment')).toMatchObject([{ shipmentId: idOf(parcel) }])
  })

  it('asks an operator about one whose workflow has ended and which is nowhere', async () => {
    const { order, parcel } = await underWay()
    await order.terminate('by mistake')
    await saga.report(parcel, 'dispatched')
    await saga.report(parcel, 'delivered')
    await parcel.result()
    await resetTo('first', order)
    await saga.isAsked(order, 'ship', 1)
    saga.answers.locateParcel = async () => ({ status: 'delivered' })
    await saga.operate(order, 'retry')
    expect(await order.result()).toMatchObject({ status: 'completed' })
  })
})
