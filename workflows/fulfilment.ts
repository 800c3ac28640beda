/** After the confirmation: one shipment per warehouse, each parcel's money captured when it leaves. */
import {
  ChildWorkflowFailure,
  condition,
  ParentClosePolicy,
  setHandler,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'
import { ActivityFailure, ApplicationFailure } from '@temporalio/common'
import type { Allocation } from '#contracts/schemas.ts'
import { TASK_QUEUES } from '#contracts/services.ts'
import {
  FAILURE,
  SHIPMENT_WORKFLOW,
  shipmentIdOf,
  shipmentWorkflowId,
  type OrderInput,
  type ShipmentInput,
  type ShipmentResult,
} from '#contracts/workflows.ts'
import { asDuty, inventory, payments, shipping } from './doors.ts'
import type { Journal } from './journal.ts'
import { parcelDispatched } from './messages.ts'
import type { Concern, Operator } from './operator.ts'
import { planParcels, type Parcel } from './parcels.ts'
import { reasonOf } from './reason.ts'
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
  const paid = new Set<string>()
  setHandler(parcelDispatched, ({ shipmentId }) => void dispatched.add(shipmentId))

  const parcels = planParcels(input.lines, allocations).map((parcel, index) => ({
    ...parcel,
    shipmentId: shipmentIdOf(orderId, index),
  }))
  const [results] = await Promise.all([
    Promise.all(parcels.map(shipParcel)),
    journal.enter('fulfilling', 'shipParcels'),
  ])
  if (results.some(({ status }) => status === 'cancelled')) await releaseTheRest()
  return results

  async function shipParcel(parcel: PlannedParcel): Promise<ShipmentResult> {
    const { shipmentId, warehouse } = parcel
    for (;;) {
      try {
        return await followParcel(parcel)
      } catch (error) {
        if (!(error instanceof ChildWorkflowFailure)) throw error
        if ((await operator.ask(concern('ship'), error)) === 'retry') continue
        if (await giveUp(parcel)) return { shipmentId, warehouse, status: 'cancelled' }
      }
    }
  }

  async function followParcel(parcel: PlannedParcel): Promise<ShipmentResult> {
    const { shipmentId, warehouse, lines } = parcel
    const { customerId, number } = input
    const child = await startShipment({
      shipmentId,
      orderId,
      customerId,
      number,
      warehouse,
      lines,
      policy,
    })
    let closed = false
    const result = child.result().finally(() => (closed = true))
    result.catch(() => {}) // handled where it is awaited, which may be later than it fails
    await condition(() => dispatched.has(shipmentId) || closed)
    if (dispatched.has(shipmentId) && !paid.has(shipmentId)) await capture(parcel)
    const shipped = await result
    journal.note({ name: 'ship', status: 'completed', detail: `${warehouse}: ${shipped.status}` })
    return shipped
  }

  /** Answers whether that was possible: a parcel that has left meanwhile is followed again. */
  async function giveUp({ shipmentId, warehouse }: PlannedParcel): Promise<boolean> {
    let left = false
    await operator.insist(concern('cancelShipment'), async () => {
      try {
        const { cancelShipment } = shipping('give the parcel up', asDuty(policy))
        await cancelShipment({ shipmentId, orderId, warehouse })
      } catch (error) {
        if (!isRefusal(error)) throw error
        left = true
      }
    })
    return !left
  }

  /** Undoes nothing when it fails: the parcel is gone, so the money is owed, and a person decides how to get it. */
  async function capture({ shipmentId, amount }: PlannedParcel): Promise<void> {
    const captured = await operator.insist(concern('capture_failed'), () => charge(shipmentId, amount))
    if (captured === 'done') journal.note({ name: 'capturePayment', status: 'completed', detail: null })
    paid.add(shipmentId)
  }

  async function charge(shipmentId: string, amount: number): Promise<void> {
    const { capturePayment } = payments('capture the parcel’s share', asDuty(policy))
    try {
      const result = await capturePayment({ orderId, shipmentId, amount, shipping: shippingCost })
      if (result.outcome === 'refused')
        throw ApplicationFailure.nonRetryable(`the capture was refused (${result.code})`)
    } catch (error) {
      journal.note({ name: 'capturePayment', status: 'failed', detail: reasonOf(error) })
      throw error
    }
  }

  /** Parcels that were given up cost nothing: their stock and their part of the authorization go back. */
  async function releaseTheRest(): Promise<void> {
    await operator.insist(concern('voidPayment'), () =>
      payments('release what is not captured', asDuty(policy)).voidPayment({ orderId }),
    )
    await operator.insist(concern('releaseReservation'), () =>
      inventory('release what is not shipped', asDuty(policy)).releaseReservation({ orderId }),
    )
  }

  function concern(operation: string): Concern {
    return { step: journal.step, operation }
  }
}

type PlannedParcel = Parcel & { shipmentId: string }

/** The service has understood and says no: trying again would change nothing. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof ApplicationFailure &&
  error.cause.type === FAILURE.refused

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
