/** What the use cases of a parcel share: what it was taken from, and what becomes of that. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { sumBySku } from './demands.ts'
import {
  announceChange,
  lockReservationsOf,
  moveReservation,
  openLines,
  readLines,
  unitsOf,
  type Reservation,
} from './reservations.ts'

export interface Parcel {
  orderId: string
  shipmentId: string
  warehouse: string
  lines: SkuQuantity[]
}

/**
 * Locks what the parcel was taken from, and says whether the parcel was given up. A replacement's goods may come from several
 * warehouses, as parcels of which only the first has the reservation's id: theirs is the reservation that has their units.
 */
export async function findSource(
  tx: Sql,
  { orderId, shipmentId, warehouse, lines }: Parcel,
): Promise<{ reservation: Reservation | undefined; givenUp: boolean }> {
  const reservations = await lockReservationsOf(tx, orderId)
  const [released] = await tx.$queryRaw<{ id: string }[]>`
    SELECT reservation_id AS id FROM released_parcels WHERE shipment_id = ${shipmentId}::uuid`
  const givenUp = released !== undefined
  const [first, ...others] = reservations
  if (others.length === 0) return { reservation: first, givenUp }
  const named = reservations.find(({ id }) => id === (released?.id ?? shipmentId))
  if (named !== undefined) return { reservation: named, givenUp }
  for (const reservation of reservations) {
    const promised = reservation.status === 'committed' ? openLines(await readLines(tx, reservation)) : []
    const covers = sumBySku(lines).every(({ sku, quantity }) =>
      promised.some((line) => line.sku === sku && line.warehouse === warehouse && line.quantity >= quantity),
    )
    if (covers) return { reservation, givenUp }
  }
  return { reservation: first, givenUp }
}

export async function hasLeft(tx: Sql, shipmentId: string): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ found: boolean }[]>`
    SELECT EXISTS (SELECT FROM stock_movements WHERE kind = 'shipped' AND reference = ${shipmentId}) AS found`
  return row?.found === true
}

/**
 * When nothing of a committed reservation is left to ship, it is over: shipped if anything was, else released.
 *
 * @param given whether units were just given back, which is told even if the reservation goes on
 */
export async function settle(tx: Sql, reservation: Reservation, given: boolean): Promise<void> {
  const lines = await readLines(tx, reservation)
  const kept = unitsOf(lines, ({ quantity, released }) => quantity - released)
  if (kept.length === 0) {
    const released = unitsOf(lines, (line) => line.released)
    return moveReservation(tx, reservation, { to: 'released', lines: released })
  }
  const current = given ? await announceChange(tx, reservation, kept) : reservation
  if (openLines(lines).length === 0) await moveReservation(tx, current, { to: 'shipped', lines: kept })
}
