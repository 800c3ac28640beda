/** A parcel that is lost is sent once more or paid back, as the order's policy says. */
import { ApplicationFailure } from '@temporalio/workflow'
import type { Allocation } from '#contracts/schemas.ts'
import type { ShipmentResult } from '#contracts/workflows.ts'
import { asDuty, inventory, orders, payments } from './doors.ts'
import type { FollowedParcel, Parcels } from './follow-parcels.ts'
import type { OrderRun, PlannedParcel } from './run.ts'

/** Resolves when the customer has the goods or the money; answers with the parcels that took the lost one's place. */
export async function makeGood(
  run: OrderRun,
  parcels: Parcels,
  lost: PlannedParcel,
): Promise<ShipmentResult[]> {
  const { policy } = run.input
  if (policy.waits === undefined) return []
  const shipmentId = parcels.nextShipmentId()
  const sent = await reserve(run, shipmentId, lost)
  if (sent.length === 0) {
    await refund(run, lost)
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
      if (result.status !== 'delivered') await refund(run, parcel)
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

async function refund({ input, operator, journal }: OrderRun, parcel: FollowedParcel): Promise<void> {
  const { orderId, policy } = input
  const { shipmentId, replaces } = parcel
  const refunded = await operator.insist(
    { step: 'refundLostParcel', operation: 'refundPayment' },
    async () => {
      const { quoteLostParcel } = orders('what the lost parcel cost', asDuty(policy))
      const { amount } = await quoteLostParcel({
        orderId,
        shipmentId,
        ...(replaces === undefined ? {} : { replaces }),
      })
      if (amount === 0) return
      const { refundPayment } = payments('pay the lost parcel back', asDuty(policy))
      const result = await refundPayment({ orderId, refundId: shipmentId, amount, reason: 'lost' })
      if (result.outcome === 'refused')
        throw ApplicationFailure.nonRetryable(`the refund was refused (${result.code})`)
    },
  )
  if (refunded === 'done') journal.note({ name: 'refundLostParcel', status: 'completed', detail: shipmentId })
}
