/** After the confirmation: one shipment per warehouse, each parcel's money captured when it leaves. */
import { ApplicationFailure, condition, patched } from '@temporalio/workflow'
import type { ShipmentResult } from '#contracts/workflows.ts'
import { asDuty, inventory, orders, payments, untilDone } from './doors.ts'
import { followParcels } from './follow-parcels.ts'
import { makeGood } from './lost-parcel.ts'
import { parcelsOf, type OrderRun, type PlannedParcel } from './run.ts'
import { giveUpRefund } from './settled-otherwise.ts'
import { countAtMost, followSales } from './spending.ts'

/**
 * Ships every parcel; resolves when each has reached its end. A cancellation of the order reaches the parcels that have not
 * left: when it reaches all of them, nothing but cancelled parcels comes back, and undoing the order is the caller's.
 */
export async function fulfil(run: OrderRun): Promise<ShipmentResult[]> {
  const { input, state, journal, operator, cancellation } = run
  const { orderId, policy } = input
  const planned = parcelsOf(input, state)
  const parcels = followParcels(run, planned.length)
  const sales = followSales(run)
  const allSettled = () => planned.every((parcel) => parcels.isSettled(parcel))
  let ended = false
  let everythingCancelled = false
  /**
   * Runs from before that released the whole reservation in the end, with units of parcels that were on their way. Asked for
   * once: what a run has begun in the old way it ends so.
   */
  let byParcel: boolean | undefined
  const releasesByParcel = () => (byParcel ??= patched('stock-is-released-by-parcel'))

  const shipping = Promise.all(planned.map(shipParcel))
  const entered = journal.enter('fulfilling', 'shipParcels')
  cancellation.acceptWhile(() => !allSettled())
  const settling = settleCancellation()
  // less may be sold than was ordered
  const counted = countAtMost(run, state.terms.total)
  const results = (await shipping).flat()
  await entered
  ended = true
  await settling
  await counted
  if (!everythingCancelled) {
    await releaseTheRest(results)
    await payShippingBack(results)
  }
  return results

  async function shipParcel(parcel: PlannedParcel): Promise<ShipmentResult[]> {
    const result = await parcels.ship(parcel)
    if (result.status === 'cancelled') {
      // what is given back, and how, depends on whether anything of the order goes on
      await condition(() => !parcels.cancelling)
      if (!everythingCancelled) await Promise.all([release(parcel), sales.giveUp(parcel)])
    }
    return result.status === 'lost'
      ? [result, ...(await makeGood(run, { parcels, sales }, parcel))]
      : [result]
  }

  /** Each parcel's own workflow says whether it is cancelled or has left. */
  async function settleCancellation(): Promise<void> {
    await entered
    await condition(() => cancellation.wanted || ended)
    if (!ended) await cancellation.kept()
    if (ended || allSettled()) return
    parcels.cancelling = true
    await journal.enter('cancelling', 'cancelParcels', { reason: cancellation.reason })
    await condition(() => allSettled())
    const given = planned.filter((parcel) => parcels.isCancelled(parcel)).length
    everythingCancelled = given === planned.length
    // what is said of the order from now on, and in the end, is that a part of it was cancelled, or nothing
    const reason = given === 0 ? null : PARTLY_CANCELLED
    if (!everythingCancelled) await journal.enter('fulfilling', 'shipParcels', { reason })
    parcels.cancelling = false
  }

  /** A parcel that was given up costs nothing: its stock goes back, and its share of the authorization where that is possible. */
  async function release({ shipmentId, warehouse, lines }: PlannedParcel): Promise<void> {
    if (!releasesByParcel()) return
    const step = journal.step
    await operator.insist({ step, operation: 'releaseParcelStock' }, () => {
      const { releaseParcelStock } = inventory('release the parcel’s stock', asDuty(policy))
      return releaseParcelStock({ orderId, shipmentId, warehouse, lines })
    })
    await operator.insist({ step, operation: 'releaseParcelPayment' }, () => {
      const { releaseParcelPayment } = payments('release the parcel’s share', asDuty(policy))
      return releaseParcelPayment({ orderId, shipmentId })
    })
  }

  /**
   * Whoever sends back everything that came before the last parcel is given up keeps nothing, and no return decides about the
   * shipping cost any more.
   */
  async function payShippingBack(ends: readonly ShipmentResult[]): Promise<void> {
    const givenUp = planned.filter((parcel) => parcels.isCancelled(parcel)).map((parcel) => parcel.shipmentId)
    const left = ends.filter(({ status }) => status !== 'cancelled').map((end) => end.shipmentId)
    const [refundId] = givenUp
    if (refundId === undefined || left.length === 0) return
    if (!decidesShipping()) return
    let due = 0
    const what = { orderId, refundId, reason: 'shipping' }
    const refunded = await operator.insist(
      { step: 'refundShipping', operation: 'refundPayment' },
      async () => {
        // waits for the word of every parcel, which comes without anybody's doing
        const { quoteShippingBack } = orders('what shipping gives back', untilDone)
        const { amount } = await quoteShippingBack({ orderId, givenUp, left })
        due = amount
        if (amount === 0) return
        const { refundPayment } = payments('pay the shipping cost back', asDuty(policy))
        // where it was not charged, or an operator gave it back, nothing is left
        const result = await refundPayment({ ...what, amount, orWhatIsLeft: true })
        if (result.outcome === 'refused')
          throw ApplicationFailure.nonRetryable(`the refund was refused (${result.code})`)
        journal.note({ name: 'refundShipping', status: 'completed', detail: null })
      },
    )
    if (refunded === 'resolved') await giveUpRefund({ ...what, amount: due })
  }

  /** What is authorized and was not captured goes back in the end. */
  async function releaseTheRest(ends: readonly ShipmentResult[]): Promise<void> {
    const givenUp = ends.some(({ status }) => status === 'cancelled')
    if (!givenUp && !parcels.uncaptured && state.authorized <= state.terms.total) return
    const step = journal.step
    await operator.insist({ step, operation: 'voidPayment' }, () =>
      payments('release what is not captured', asDuty(policy)).voidPayment({ orderId }),
    )
    if (!givenUp || releasesByParcel()) return
    await operator.insist({ step, operation: 'releaseReservation' }, () =>
      inventory('release what is not shipped', asDuty(policy)).releaseReservation({ orderId }),
    )
  }
}

/** Runs from before that kept the shipping cost when the last parcel was given up after everything else had come back. */
const decidesShipping = (): boolean => patched('shipping-is-decided-at-the-end')

const PARTLY_CANCELLED = {
  code: 'partly_cancelled',
  message: 'A part of the order was cancelled; the rest had left.',
}
