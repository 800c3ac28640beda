/** After the confirmation: one shipment per warehouse, each parcel's money captured when it leaves. */
import { condition, patched } from '@temporalio/workflow'
import type { ShipmentResult } from '#contracts/workflows.ts'
import { asDuty, inventory, payments } from './doors.ts'
import { followParcels } from './follow-parcels.ts'
import { makeGood } from './lost-parcel.ts'
import { parcelsOf, type OrderRun, type PlannedParcel } from './run.ts'

/**
 * Ships every parcel; resolves when each has reached its end. A cancellation of the order reaches the parcels that have not
 * left: when it reaches all of them, nothing but cancelled parcels comes back, and undoing the order is the caller's.
 */
export async function fulfil(run: OrderRun): Promise<ShipmentResult[]> {
  const { input, state, journal, operator, cancellation } = run
  const { orderId, policy } = input
  const planned = parcelsOf(input, state)
  const parcels = followParcels(run, planned.length)
  const allSettled = () => planned.every((parcel) => parcels.isSettled(parcel))
  let ended = false
  let everythingCancelled = false

  const shipping = Promise.all(planned.map(shipParcel))
  const entered = journal.enter('fulfilling', 'shipParcels')
  cancellation.acceptWhile(() => !allSettled())
  const settling = settleCancellation()
  const results = (await shipping).flat()
  await entered
  ended = true
  await settling
  if (!everythingCancelled) await releaseTheRest(results)
  return results

  async function shipParcel(parcel: PlannedParcel): Promise<ShipmentResult[]> {
    const result = await parcels.ship(parcel)
    if (result.status === 'cancelled') {
      // what is given back, and how, depends on whether anything of the order goes on
      await condition(() => !parcels.cancelling)
      if (!everythingCancelled) await release(parcel)
    }
    return result.status === 'lost' ? [result, ...(await makeGood(run, parcels, parcel))] : [result]
  }

  /** Each parcel's own workflow says whether it is cancelled or has left. */
  async function settleCancellation(): Promise<void> {
    await entered
    await condition(() => cancellation.wanted || ended)
    if (ended || allSettled()) return
    parcels.cancelling = true
    await journal.enter('cancelling', 'cancelParcels', { reason: cancellation.reason })
    await condition(() => allSettled())
    everythingCancelled = planned.every((parcel) => parcels.isCancelled(parcel))
    if (!everythingCancelled) await journal.enter('fulfilling', 'shipParcels')
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

  /** What is authorized and was not captured goes back in the end. */
  async function releaseTheRest(ends: readonly ShipmentResult[]): Promise<void> {
    const givenUp = ends.some(({ status }) => status === 'cancelled')
    if (!givenUp && state.authorized <= state.terms.total) return
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

/** Runs from before that released the whole reservation in the end, with units of parcels that were on their way. */
const releasesByParcel = (): boolean => patched('stock-is-released-by-parcel')
