/** Follows parcels through their workflows, and captures each one's money when it leaves. */
import { ChildWorkflowFailure, condition, setHandler } from '@temporalio/workflow'
import { ApplicationFailure } from '@temporalio/common'
import type { Capture } from '#activities/payments.ts'
import {
  shipmentIdOf,
  type ParcelNews,
  type ShipmentInput,
  type ShipmentResult,
} from '#contracts/workflows.ts'
import { asDuty, payments, shipping } from './doors.ts'
import { hearOfParcel, parcelDispatched, parcelEnded, parcelKept } from './messages.ts'
import type { Concern } from './operator.ts'
import { startParcel } from './parcel-workflow.ts'
import { reasonOf } from './reason.ts'
import { isRefusal } from './refusal.ts'
import type { OrderRun, PlannedParcel } from './run.ts'
import { giveUpCapture } from './settled-otherwise.ts'

/** A parcel to be followed; one that takes a lost one's place is paid already. */
export type FollowedParcel = PlannedParcel & { replaces?: string }

export interface Parcels {
  /** The parcels that have not left are to be cancelled. */
  cancelling: boolean
  /** An operator has collected a parcel's money otherwise: its share is still authorized. */
  uncaptured: boolean
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
  /** How parcels ended, as far as it was said by whomever; null while nobody has. */
  const heard = new Map<string, ShipmentResult['status'] | null>()
  const paid = new Set<string>()
  let next = count
  setHandler(parcelDispatched, ({ shipmentId }) => void dispatched.add(shipmentId))
  setHandler(parcelKept, ({ shipmentId }) => void kept.add(shipmentId))
  setHandler(parcelEnded, hear)
  setHandler(hearOfParcel, hear, {
    validator: (news: ParcelNews) => {
      if (!isNews(news)) throw ApplicationFailure.nonRetryable('That is known.', 'parcel_news_known')
    },
  })

  const parcels: Parcels = {
    cancelling: false,
    uncaptured: false,
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
        if (!(error instanceof ChildWorkflowFailure || error instanceof ApplicationFailure)) throw error
        if (!isToCancel(parcel) && (await operator.ask(concernOf(parcel), error)) === 'retry') continue
        // its workflow has failed and cannot say whether the parcel has left: the carrier is asked instead
        if (await giveUp(parcel)) {
          ends.set(shipmentId, 'cancelled')
          heard.set(shipmentId, 'cancelled')
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
    if (!heard.has(shipmentId)) heard.set(shipmentId, null)
    const workflow = await startParcel(shipmentOf(parcel), { hear, end: endOf(parcel) })
    let closed = false
    const result = workflow.result.finally(() => (closed = true))
    result.then(hear, () => {}) // a failure is handled where it is awaited, which may be later than it fails
    let told = false
    const isToTell = () => !told && isToCancel(parcel) && !kept.has(shipmentId)
    for (;;) {
      await condition(() => dispatched.has(shipmentId) || closed || isToTell())
      if (dispatched.has(shipmentId) || closed) break
      told = true
      await workflow.cancel(cancellation.reason.code)
    }
    if (dispatched.has(shipmentId)) await capture(parcel)
    const shipped = await result
    if (shipped.status !== 'cancelled') await capture(parcel)
    ends.set(shipmentId, shipped.status)
    journal.note({ name: 'ship', status: 'completed', detail: `${warehouse}: ${shipped.status}` })
    return shipped
  }

  function hear({ shipmentId, status }: ParcelNews): void {
    if (status === 'dispatched') dispatched.add(shipmentId)
    else heard.set(shipmentId, status)
  }

  function isNews({ shipmentId, status }: ParcelNews): boolean {
    const isFollowed = heard.get(shipmentId) === null
    return isFollowed && !(status === 'dispatched' && dispatched.has(shipmentId))
  }

  async function endOf({ shipmentId, warehouse }: FollowedParcel): Promise<ShipmentResult> {
    for (;;) {
      const status = heard.get(shipmentId) ?? null
      if (status !== null) return { shipmentId, warehouse, status }
      await condition(() => heard.get(shipmentId) !== null)
    }
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
    else if (await giveUpCapture(shareOf(shipmentId, amount))) parcels.uncaptured = true
    paid.add(shipmentId)
  }

  function shareOf(shipmentId: string, amount: number): Capture {
    return { orderId, shipmentId, amount, shipping: shippingCost }
  }

  async function charge(shipmentId: string, amount: number): Promise<void> {
    const { capturePayment } = payments('capture the parcel’s share', asDuty(policy))
    try {
      const result = await capturePayment(shareOf(shipmentId, amount))
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
