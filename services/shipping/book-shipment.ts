/**
 * Creates a shipment and books it with the carrier. Nothing is promised to the carrier before the shipment is stored, and
 * the carrier is asked before anything is repeated, so that a crash at any point ends in one booking.
 */
import type { ScanStatus } from '#contracts/http/shipping.ts'
import type { Address, SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Carrier, CarrierBooking } from './carriers/carrier.ts'
import { lockShipment, moveShipment, recordMove, type ShipmentRow } from './shipments.ts'

export interface NewShipment {
  shipmentId: string
  orderId: string
  customerId: string
  warehouse: string
  lines: SkuQuantity[]
  /** Handed to the carrier and kept nowhere. */
  address: Address
  /** The lost shipment whose place this one takes. */
  replaces?: string
}

export type BookingOutcome =
  /** `status`: a repeat may find the parcel on its way, or at its end. */
  { outcome: 'booked'; trackingNumber: string; status: 'booked' | ScanStatus } | { outcome: 'cancelled' }

export type BookShipment = (shipment: NewShipment) => Promise<BookingOutcome>

export interface BookShipmentDependencies {
  transact: UnitOfWork<Sql>
  carrier: Carrier
  /** Called when a booking has to be undone because its shipment was cancelled meanwhile. */
  onUnsettled: () => void
}

/** @throws what the carrier throws; then the next try goes on from there */
export const createBookShipment =
  ({ transact, carrier, onUnsettled }: BookShipmentDependencies): BookShipment =>
  async (input) => {
    const { shipment, created } = await transact((tx) => open(tx, input))
    if (shipment.status !== 'pending') return toOutcome(shipment)
    // an earlier try may have booked it without hearing the answer
    const known = created ? undefined : await carrier.findByReference(shipment.id)
    const booking = known ?? (await book(carrier, input))
    if (booking.status === 'cancelled') throw new Error(`the booking of shipment ${shipment.id} is cancelled`)
    const booked = await transact((tx) => settle(tx, shipment.id, carrier.name, booking))
    if (booked.outcome === 'cancelled') onUnsettled()
    return booked
  }

const book = (carrier: Carrier, { shipmentId, warehouse, lines, address }: NewShipment) =>
  carrier.book({ reference: shipmentId, idempotencyKey: `${shipmentId}:book`, warehouse, lines, address })

/** Stores the shipment, or finds it: also the tombstone of one that was cancelled before it was there. */
async function open(
  tx: Sql,
  { shipmentId, orderId, customerId, warehouse, lines, replaces }: NewShipment,
): Promise<{ shipment: ShipmentRow; created: boolean }> {
  const inserted = await tx.$executeRaw`
    INSERT INTO shipments (id, order_id, customer_id, warehouse, status, lines, version, replaces)
    VALUES (${shipmentId}::uuid, ${orderId}::uuid, ${customerId}::uuid, ${warehouse}, 'pending',
            ${JSON.stringify(lines)}::jsonb, 1, ${replaces ?? null}::uuid)
    ON CONFLICT (id) DO NOTHING`
  const shipment = await lockShipment(tx, shipmentId)
  if (shipment === undefined) throw new Error(`shipment ${shipmentId} is there and is not`)
  if (inserted === 1) {
    await recordMove(tx, shipment, { to: 'pending', at: new Date().toISOString(), source: 'system' })
  }
  return { shipment, created: inserted === 1 }
}

/** Writes the booking down. For a shipment that was cancelled meanwhile that is a booking to be undone. */
async function settle(
  tx: Sql,
  id: string,
  carrier: string,
  { id: bookingId, trackingNumber }: CarrierBooking,
): Promise<BookingOutcome> {
  const shipment = await lockShipment(tx, id)
  if (shipment === undefined) throw new Error(`shipment ${id} is there and is not`)
  if (shipment.status === 'pending') {
    const move = { to: 'booked', at: new Date().toISOString(), source: 'system' } as const
    await moveShipment(tx, shipment, move, { carrier, trackingNumber, bookingId })
    return { outcome: 'booked', trackingNumber, status: 'booked' }
  }
  if (shipment.status === 'cancelled') {
    await tx.$executeRaw`
      UPDATE shipments SET carrier = ${carrier}, booking_id = ${bookingId}, unsettled = true, polled_at = NULL
      WHERE id = ${id}::uuid`
  }
  return toOutcome(shipment)
}

function toOutcome({ id, status, trackingNumber }: ShipmentRow): BookingOutcome {
  if (status === 'cancelled') return { outcome: 'cancelled' }
  if (trackingNumber === null || status === 'pending')
    throw new Error(`shipment ${id} is ${status} without a tracking number`)
  return { outcome: 'booked', trackingNumber, status }
}
