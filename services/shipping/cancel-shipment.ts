/** Cancels a shipment that has not left: first with the carrier, then in our own books. */
import { mayMove, SHIPMENT } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Carrier } from './carriers/carrier.ts'
import { lockShipment, moveShipment, type ShipmentRow } from './shipments.ts'

/** `too_late`: the parcel has left. */
export type CancelOutcome = 'cancelled' | 'too_late'

export type CancelShipment = (shipment: {
  shipmentId: string
  orderId: string
  warehouse: string
}) => Promise<CancelOutcome>

/**
 * Leaves a tombstone where there is no shipment, so that a late booking finds it.
 *
 * @throws what the carrier throws, or an error when the shipment was booked meanwhile: the next try finds the booking
 */
export const createCancelShipment =
  ({ transact, carrier }: { transact: UnitOfWork<Sql>; carrier: Carrier }): CancelShipment =>
  async ({ shipmentId, orderId, warehouse }) => {
    const before = await transact(async (tx) => {
      const buried = await tx.$executeRaw`
        INSERT INTO shipments (id, order_id, warehouse, status, lines, version)
        VALUES (${shipmentId}::uuid, ${orderId}::uuid, ${warehouse}, 'cancelled', '[]', 0)
        ON CONFLICT (id) DO NOTHING`
      return buried === 1 ? undefined : lockShipment(tx, shipmentId)
    })
    if (before === undefined || before.status === 'cancelled') return 'cancelled'
    if (!mayMove(SHIPMENT, before.status, 'cancelled')) return 'too_late'
    const bookingId = before.bookingId ?? (await carrier.findByReference(shipmentId))?.id
    if (bookingId !== undefined && (await carrier.cancel(bookingId)) === 'too_late') return 'too_late'
    return transact((tx) => cancel(tx, before, { carrier: carrier.name, bookingId }))
  }

async function cancel(
  tx: Sql,
  { id, status }: ShipmentRow,
  { carrier, bookingId }: { carrier: string; bookingId: string | undefined },
): Promise<CancelOutcome> {
  const shipment = await lockShipment(tx, id)
  if (shipment?.status === 'cancelled') return 'cancelled'
  if (shipment?.status !== status) throw new Error(`shipment ${id} has moved while it was being cancelled`)
  const move = { to: 'cancelled', at: new Date().toISOString(), source: 'system' } as const
  await moveShipment(tx, shipment, move, bookingId === undefined ? {} : { carrier, bookingId })
  if (bookingId === undefined) {
    // a request may be on its way to the carrier at this moment: its booking is looked for until none can come
    await tx.$executeRaw`UPDATE shipments SET unsettled = true WHERE id = ${id}::uuid`
  }
  return 'cancelled'
}
