/** A parcel was given up before it left: its units are available again; the rest of the order goes on. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { sumBySku } from './demands.ts'
import { giveBack } from './give-back.ts'
import { findSource, hasLeft, settle, type Parcel } from './parcels.ts'
import type { Reservation } from './reservations.ts'

export type ParcelOutcome = { outcome: 'released' } | { outcome: 'refused'; reason: string }

export type ReleaseParcelStock = (parcel: Parcel) => Promise<ParcelOutcome>

/** Once per parcel. It is refused for one that has left, and where nothing is committed that could be given back. */
export const createReleaseParcelStock =
  ({ transact }: { transact: UnitOfWork<Sql> }): ReleaseParcelStock =>
  (parcel) =>
    transact(async (tx) => {
      const { shipmentId, warehouse } = parcel
      const { reservation, givenUp } = await findSource(tx, parcel)
      if (reservation === undefined) return refused('the order has no reservation')
      if (givenUp) return { outcome: 'released' }
      if (await hasLeft(tx, shipmentId)) return refused('the parcel has left')
      const { status } = reservation
      if (status !== 'committed' && status !== 'released') return refused(`the reservation is ${status}`)
      await noteGivenUp(tx, shipmentId, reservation)
      // all of it went back with the reservation
      if (status === 'released') return { outcome: 'released' }
      const lines = sumBySku(parcel.lines).map((line) => ({ ...line, warehouse }))
      if (!(await takeOff(tx, reservation, lines))) throw new Error(`${shipmentId} is not of this order`)
      await giveBack(tx, { lines, from: 'committed' })
      await settle(tx, reservation, true)
      return { outcome: 'released' }
    })

const refused = (reason: string): ParcelOutcome => ({ outcome: 'refused', reason })

async function noteGivenUp(tx: Sql, shipmentId: string, { id }: Reservation): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO released_parcels (shipment_id, reservation_id) VALUES (${shipmentId}::uuid, ${id}::uuid)`
}

/** Whether the reservation has all these lines; a CHECK constraint refuses more units than are left of one. */
async function takeOff(
  tx: Sql,
  { id }: Reservation,
  lines: readonly { sku: string; warehouse: string; quantity: number }[],
): Promise<boolean> {
  const taken = await tx.$executeRaw`
    UPDATE reservation_lines AS line SET released = released + parcel.quantity
    FROM unnest(${lines.map(({ sku }) => sku)}::text[], ${lines.map(({ warehouse }) => warehouse)}::text[],
                ${lines.map(({ quantity }) => quantity)}::int[]) AS parcel (sku, warehouse, quantity)
    WHERE line.reservation_id = ${id}::uuid AND line.sku = parcel.sku AND line.warehouse = parcel.warehouse`
  return taken === lines.length
}
