/** What the use cases of a parcel share: whether it was given up, and what becomes of its reservation. */
import type { Sql } from '#platform/database.ts'
import {
  announceChange,
  moveReservation,
  openLines,
  readLines,
  unitsOf,
  type Reservation,
} from './reservations.ts'

export async function wasGivenUp(tx: Sql, shipmentId: string): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ found: boolean }[]>`
    SELECT EXISTS (SELECT FROM released_parcels WHERE shipment_id = ${shipmentId}::uuid) AS found`
  return row?.found === true
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
