/** A parcel that is lost is sent once more or paid back, as the order's policy says. */
import { ApplicationFailure } from '@temporalio/workflow'
import type { Allocation } from '#contracts/schemas.ts'
import type { ShipmentResult } from '#contracts/workflows.ts'
import { asDuty, inventory, orders, payments } from './doors.ts'
import type { FollowedParcel, Parcels } from './follow-parcels.ts'
import type { OrderRun, PlannedParcel } from './run.ts'
import { giveUpRefund } from './settled-otherwise.ts'
import type { Sales } from './spending.ts'

/** Resolves when the customer has the goods or the money; answers with the parcels that took the lost one's place. */
export async function makeGood(
  run: OrderRun,
  { parcels, sales }: { parcels: Parcels; sales: Sales },
  lost: PlannedParcel,
): Promise<ShipmentResult[]> {
  const { policy } = run.input
  if (policy.waits === undefined) return []
  const shipmentId = parcels.nextShipmentId()
  const sent = await reserve(run, shipmentId, lost)
  if (sent.length === 0) {
    await sales.payBack(await refund(run, lost))
    return []
  }
  return Promise.all(
    sent.map(async (allocation, index) => {
      const parcel: FollowedParcel = {
        ...allocation,
        shipmentId: index === 0 ? shipmentId : parcels.nextShipmentId(),
        amount: 0,
        replaces: lost.shipmentId,
      }
      const result = await parcels.ship(parcel)
      if (result.status === 'cancelled') await release(run, parcel)
      // twice is enough
      if (result.status !== 'delivered') await sales.payBack(await refund(run, parcel))
      return result
    }),
  )
}

/** Holds the goods for another parcel; none where they are to be paid back, or are not to be had. */
async function reserve(
  { input, operator, cancellation }: OrderRun,
  shipmentId: string,
  { lines }: PlannedParcel,
): Promise<Allocation[]> {
  const { orderId, policy } = input
  if (policy.waits?.lostParcel !== 'reship' || cancellation.wanted) return []
  let allocations: Allocation[] = []
  await operator.insist({ step: 'replaceParcel', operation: 'reserveInventory' }, async () => {
    const { reserveInventory } = inventory('hold the lost goods once more', asDuty(policy))
    const reserved = await reserveInventory({
      orderId,
      lines,
      onShortage: 'refuse',
      reservationId: shipmentId,
    })
    if (reserved.outcome === 'held') allocations = reserved.allocations
  })
  return allocations
}

async function release({ input, operator }: OrderRun, parcel: FollowedParcel): Promise<void> {
  const { orderId, policy } = input
  const { shipmentId, warehouse, lines } = parcel
  await operator.insist({ step: 'replaceParcel', operation: 'releaseParcelStock' }, () => {
    const { releaseParcelStock } = inventory('release the parcel’s stock', asDuty(policy))
    return releaseParcelStock({ orderId, shipmentId, warehouse, lines })
  })
}

/**
 * Pays back what the parcel cost, or what is left of it: more may have gone back by hand. What was not captured, people pay.
 *
 * @returns what the parcel gave back, minor units
 */
async function refund({ input, operator, journal }: OrderRun, parcel: FollowedParcel): Promise<number> {
  const { orderId, policy } = input
  const { shipmentId, replaces } = parcel
  const what = { orderId, refundId: shipmentId, amount: 0, reason: 'lost', orWhatIsLeft: true }
  let paid = 0
  const refunded = await operator.insist(
    { step: 'refundLostParcel', operation: 'refundPayment' },
    async () => {
      const { quoteLostParcel } = orders('what the lost parcel cost', asDuty(policy))
      const quote = await quoteLostParcel({
        orderId,
        shipmentId,
        ...(replaces === undefined ? {} : { replaces }),
      })
      what.amount = quote.amount
      if (what.amount === 0) return
      const { refundPayment } = payments('pay the lost parcel back', asDuty(policy))
      const result = await refundPayment(what)
      if (result.outcome === 'refused')
        throw ApplicationFailure.nonRetryable(`the refund was refused (${result.code})`)
      paid = result.amount
    },
  )
  if (refunded === 'resolved') {
    await giveUpRefund(what)
    return what.amount
  }
  journal.note({ name: 'refundLostParcel', status: 'completed', detail: shipmentId })
  return paid
}
