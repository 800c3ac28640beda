/** After the confirmation: one shipment per warehouse, each parcel's money captured when it leaves. */
import {
  ChildWorkflowFailure,
  condition,
  ParentClosePolicy,
  setHandler,
  startChild,
  uuid4,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'
import { ActivityFailure } from '@temporalio/common'
import type { CaptureResult } from '#activities/payments.ts'
import type { Allocation } from '#contracts/schemas.ts'
import { TASK_QUEUES } from '#contracts/services.ts'
import {
  SHIPMENT_WORKFLOW,
  shipmentWorkflowId,
  type OrderInput,
  type ShipmentInput,
  type ShipmentResult,
} from '#contracts/workflows.ts'
import { asDuty, inventory, payments, shipping } from './doors.ts'
import type { Journal } from './journal.ts'
import { parcelDispatched } from './messages.ts'
import type { Operator } from './operator.ts'
import { planParcels, type Parcel } from './parcels.ts'
import { reasonOf } from './saga.ts'
import type { shipment } from './shipment.ts'

export interface Fulfilment {
  input: OrderInput
  allocations: readonly Allocation[]
  journal: Journal
  operator: Operator
}

/** Ships every parcel; resolves when each has reached its end. */
export async function fulfil({
  input,
  allocations,
  journal,
  operator,
}: Fulfilment): Promise<ShipmentResult[]> {
  const { orderId, policy } = input
  const shippingCost = input.shipping + input.shippingTax
  const dispatched = new Set<string>()
  setHandler(parcelDispatched, ({ shipmentId }) => void dispatched.add(shipmentId))

  const parcels = planParcels(input.lines, allocations).map((parcel) => ({ ...parcel, shipmentId: uuid4() }))
  const [results] = await Promise.all([
    Promise.all(parcels.map(shipParcel)),
    journal.enter('fulfilling', 'shipParcels'),
  ])
  if (results.some(({ status }) => status === 'cancelled')) await releaseTheRest()
  return results

  async function shipParcel(parcel: Parcel & { shipmentId: string }): Promise<ShipmentResult> {
    const { shipmentId, warehouse, lines } = parcel
    for (;;) {
      try {
        const child = await startShipment({
          shipmentId,
          orderId,
          customerId: input.customerId,
          number: input.number,
          warehouse,
          lines,
          policy,
        })
        let closed = false
        const result = child.result().finally(() => (closed = true))
        result.catch(() => {}) // handled where it is awaited, which may be later than it fails
        await condition(() => dispatched.has(shipmentId) || closed)
        if (dispatched.has(shipmentId)) await capture(parcel)
        const shipped = await result
        journal.note({ name: 'ship', status: 'completed', detail: `${warehouse}: ${shipped.status}` })
        return shipped
      } catch (error) {
        if (!(error instanceof ChildWorkflowFailure)) throw error
        if ((await askAbout('ship', error)) === 'retry') continue
        await shipping('give the parcel up', asDuty(policy)).cancelShipment({
          shipmentId,
          orderId,
          warehouse,
        })
        return { shipmentId, warehouse, status: 'cancelled' }
      }
    }
  }

  /** Undoes nothing when it fails: the parcel is gone, so the money is owed, and a person decides how to get it. */
  async function capture({ shipmentId, amount }: Parcel & { shipmentId: string }): Promise<void> {
    for (;;) {
      const failure = await tryCapture(shipmentId, amount)
      if (failure === undefined) {
        journal.note({ name: 'capturePayment', status: 'completed', detail: null })
        return
      }
      journal.note({ name: 'capturePayment', status: 'failed', detail: reasonOf(failure) })
      if ((await askAbout('capture_failed', failure)) === 'resolve') return
    }
  }

  async function tryCapture(shipmentId: string, amount: number): Promise<Error | undefined> {
    const { capturePayment } = payments('capture the parcel’s share', asDuty(policy))
    try {
      const result: CaptureResult = await capturePayment({
        orderId,
        shipmentId,
        amount,
        shipping: shippingCost,
      })
      return result.outcome === 'refused' ? new Error(`the capture was refused (${result.code})`) : undefined
    } catch (error) {
      if (error instanceof ActivityFailure) return error
      throw error
    }
  }

  function askAbout(operation: string, error: unknown): Promise<'retry' | 'resolve'> {
    const attempts = policy.compensationAttempts
    return operator.ask({ step: journal.step, operation, error: reasonOf(error), attempts })
  }

  /** Parcels that were given up cost nothing: their stock and their part of the authorization go back. */
  async function releaseTheRest(): Promise<void> {
    await payments('release what is not captured', asDuty(policy)).voidPayment({ orderId })
    await inventory('release what is not shipped', asDuty(policy)).releaseReservation({ orderId })
  }
}

/** The parcel goes on whatever becomes of the order's workflow: it is on a van, not in a database. */
const startShipment = (input: ShipmentInput) =>
  startChild<typeof shipment>(SHIPMENT_WORKFLOW, {
    workflowId: shipmentWorkflowId(input.shipmentId),
    taskQueue: TASK_QUEUES.shipping,
    args: [input],
    parentClosePolicy: ParentClosePolicy.ABANDON,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    staticSummary: `Parcel of ${input.number} from ${input.warehouse}`,
  })
