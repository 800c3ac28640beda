/** What the use cases of a shipment share: its row, its moves, its events, and how clients see it. */
import { Shipment } from '#contracts/http/shipping.ts'
import type { SkuQuantity } from '#contracts/schemas.ts'
import { mayMove, SHIPMENT, type ShipmentStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent } from '#platform/events/outbox.ts'
import { parser } from '#platform/validation.ts'

export interface ShipmentRow {
  id: string
  orderId: string
  warehouse: string
  status: ShipmentStatus
  lines: SkuQuantity[]
  carrier: string | null
  trackingNumber: string | null
  bookingId: string | null
  version: number
}

export const parseShipment = parser('a shipment', Shipment)

/** Locks the row: moves of one shipment happen one after the other. */
export async function lockShipment(tx: Sql, id: string): Promise<ShipmentRow | undefined> {
  const [row] = await tx.$queryRaw<ShipmentRow[]>`
    SELECT id, order_id AS "orderId", warehouse, status, lines, carrier, tracking_number AS "trackingNumber",
      booking_id AS "bookingId", version
    FROM shipments WHERE id = ${id}::uuid FOR NO KEY UPDATE`
  return row
}

export interface Move {
  to: ShipmentStatus
  /** ISO 8601: when it happened by the clock of who saw it. */
  at: string
  source: 'system' | 'courier' | 'carrier'
}

/** Writes a locked shipment's next state, its history and its event. `changes` is what the move brings with it. */
export async function moveShipment(
  tx: Sql,
  shipment: ShipmentRow,
  move: Move,
  changes: Partial<Pick<ShipmentRow, 'carrier' | 'trackingNumber' | 'bookingId'>> = {},
): Promise<void> {
  if (!mayMove(SHIPMENT, shipment.status, move.to)) {
    throw new Error(`shipment ${shipment.id} is ${shipment.status} and cannot become ${move.to}`)
  }
  const moved: ShipmentRow = { ...shipment, ...changes, status: move.to, version: shipment.version + 1 }
  await tx.$executeRaw`
    UPDATE shipments SET status = ${moved.status}, version = ${moved.version}, carrier = ${moved.carrier},
      tracking_number = ${moved.trackingNumber}, booking_id = ${moved.bookingId}, updated_at = now()
    WHERE id = ${moved.id}::uuid`
  await recordMove(tx, moved, move)
}

/** Writes what the shipment has become into its history and its event. */
export async function recordMove(tx: Sql, shipment: ShipmentRow, { at, source }: Move): Promise<void> {
  const { id, orderId, warehouse, status, lines, carrier, trackingNumber, version } = shipment
  await tx.$executeRaw`
    INSERT INTO shipment_history (shipment_id, status, at, source, position)
    VALUES (${id}::uuid, ${status}, ${at}::timestamptz, ${source}, ${version})`
  await appendEvent(tx, {
    type: status === 'pending' ? 'shipment.created' : `shipment.${status}`,
    aggregateId: id,
    version,
    payload: { shipmentId: id, orderId, warehouse, lines, carrier, trackingNumber, at },
  })
}
