/** Follows parcels through their workflows, and captures each one's money when it leaves. */
import {
  ChildWorkflowFailure,
  condition,
  isCancellation,
  ParentClosePolicy,
  setHandler,
  startChild,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'
import { ApplicationFailure } from '@temporalio/common'
import { TASK_QUEUES } from '#contracts/services.ts'
import {
  SHIPMENT_WORKFLOW,
  shipmentIdOf,
  shipmentWorkflowId,
  type ShipmentInput,
  type ShipmentResult,
} from '#contracts/workflows.ts'
import { asDuty, payments, shipping } from './doors.ts'
import { cancelShipment, parcelDispatched, parcelKept } from './messages.ts'
import type { Concern } from './operator.ts'
import { reasonOf } from './reason.ts'
import { isRefusal } from './refusal.ts'
import type { OrderRun, PlannedParcel } from './run.ts'
import type { shipment } from './shipment.ts'

/** A parcel to be followed; one that takes a lost one's place is paid already. */
export type FollowedParcel = PlannedParcel & { replaces?: string }

export interface Parcels {
  /** The parcels that have not left are to be cancelled. */
  cancelling: boolean
  /** Books the parcel and follows it to its end. */
  ship(parcel: FollowedParcel): Promise<ShipmentResult>
  /** It has left, or never will. */
  isSettled(parcel: PlannedParcel): boolean
  isCancelled(parcel: PlannedParcel): boolean
  /** For a further parcel. */
  nextShipmentId(): string
}

/** @param count how many parcels the order has from the start */
export function followParcels(run: OrderRun, count: number): Parcels {
  const { input, state, journal, operator, cancellation } = run
  const { orderId, policy } = input
  const shippingCost = state.terms.shipping + state.terms.shippingTax
  const dispatched = new Set<string>()
  /** Said to have left when it was to be cancelled, though the word of its leaving may still be on its way. */
  const kept = new Set<string>()
  const ends = new Map<string, ShipmentResult['status']>()
  const paid = new Set<string>()
  let next = count
  setHandler(parcelDispatched, ({ shipmentId }) => void dispatched.add(shipmentId))
  setHandler(parcelKept, ({ shipmentId }) => void kept.add(shipmentId))

  const parcels: Parcels = {
    cancelling: false,
    ship,
    isSettled: ({ shipmentId }) => dispatched.has(shipmentId) || kept.has(shipmentId) || ends.has(shipmentId),
    isCancelled: ({ shipmentId }) => ends.get(shipmentId) === 'cancelled',
    nextShipmentId: () => shipmentIdOf(orderId, next++),
  }
  return parcels

  async function ship(parcel: FollowedParcel): Promise<ShipmentResult> {
    const { shipmentId, warehouse } = parcel
    for (;;) {
      try {
        return await follow(parcel)
      } catch (error) {
        if (!(error instanceof ChildWorkflowFailure)) throw error
        if (!isToCancel(parcel) && (await operator.ask(concernOf(parcel), error)) === 'retry') continue
        // its workflow has failed and cannot say whether the parcel has left: the carrier is asked instead
        if (await giveUp(parcel)) {
          ends.set(shipmentId, 'cancelled')
          return { shipmentId, warehouse, status: 'cancelled' }
        }
        kept.add(shipmentId)
      }
    }
  }

  function isToCancel({ replaces }: FollowedParcel): boolean {
    return parcels.cancelling && replaces === undefined
  }

  /** A question about a parcel that its customer does not want any more needs no answer. */
  function concernOf(parcel: FollowedParcel): Concern {
    const settled = () =>
      isToCancel(parcel) ? { by: cancellation.by, note: 'The order was cancelled.' } : undefined
    return { ...concern('ship'), settled }
  }

  async function follow(parcel: FollowedParcel): Promise<ShipmentResult> {
    const { shipmentId, warehouse } = parcel
    const child = await startShipment(shipmentOf(parcel))
    let closed = false
    const result = child.result().finally(() => (closed = true))
    result.catch(() => {}) // handled where it is awaited, which may be later than it fails
    let told = false
    const isToTell = () => !told && isToCancel(parcel) && !kept.has(shipmentId)
    for (;;) {
      await condition(() => dispatched.has(shipmentId) || closed || isToTell())
      if (dispatched.has(shipmentId) || closed) break
      told = true
      await child.signal(cancelShipment, { reason: cancellation.reason.code }).catch(endedMeanwhile)
    }
    if (dispatched.has(shipmentId)) await capture(parcel)
    const shipped = await result
    if (shipped.status !== 'cancelled') await capture(parcel)
    ends.set(shipmentId, shipped.status)
    journal.note({ name: 'ship', status: 'completed', detail: `${warehouse}: ${shipped.status}` })
    return shipped
  }

  function shipmentOf({ shipmentId, warehouse, lines, replaces }: FollowedParcel): ShipmentInput {
    const { customerId, number } = input
    const base = { shipmentId, orderId, customerId, number, warehouse, lines, policy }
    return replaces === undefined ? base : { ...base, replaces }
  }

  /** Answers whether that was possible: a parcel that has left meanwhile is followed again. */
  async function giveUp({ shipmentId, warehouse }: PlannedParcel): Promise<boolean> {
    let left = false
    await operator.insist(concern('cancelShipment'), async () => {
      try {
        const { cancelShipment: cancel } = shipping('give the parcel up', asDuty(policy))
        await cancel({ shipmentId, orderId, warehouse })
      } catch (error) {
        if (!isRefusal(error)) throw error
        left = true
      }
    })
    return !left
  }

  /** Undoes nothing when it fails: the parcel is gone, so the money is owed, and a person decides how to get it. */
  async function capture({ shipmentId, amount, replaces }: FollowedParcel): Promise<void> {
    if (paid.has(shipmentId) || replaces !== undefined) return
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

  function concern(operation: string): Concern {
    return { step: journal.step, operation }
  }
}

/** A workflow that cannot be told any more has ended, and its result says how. */
function endedMeanwhile(error: unknown): void {
  if (isCancellation(error)) throw error
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
