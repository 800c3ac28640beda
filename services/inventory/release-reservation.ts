/** Undoes an order's reservation: what has not left becomes available again. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { leaveQueue } from './backorders.ts'
import { giveBack } from './give-back.ts'
import {
  lockReservation,
  mayReservationMove,
  moveReservation,
  openLines,
  readLines,
  type Reservation,
  type ReservationRef,
} from './reservations.ts'

export type ReleaseReservation = (ref: ReservationRef) => Promise<void>

/** Leaves a tombstone where there is no reservation, so that a late one finds it; a repeat changes nothing. */
export const createReleaseReservation =
  ({ transact }: { transact: UnitOfWork<Sql> }): ReleaseReservation =>
  (ref) => {
    const { orderId, reservationId = orderId } = ref
    return transact(async (tx) => {
      const buried = await tx.$executeRaw`
        INSERT INTO reservations (id, order_id, status, version)
        VALUES (${reservationId}::uuid, ${orderId}::uuid, 'released', 0) ON CONFLICT DO NOTHING`
      if (buried === 1) return
      const reservation = await lockReservation(tx, ref)
      if (reservation === undefined) throw new Error(`the reservation ${reservationId} is another order's`)
      if (reservation.status === 'refused') return bury(tx, reservation)
      if (!mayReservationMove(reservation, 'released')) return
      const lines = openLines(await readLines(tx, reservation))
      await giveBack(tx, { lines, from: reservation.status === 'committed' ? 'committed' : 'held' })
      await leaveQueue(tx, reservation.id)
      await moveReservation(tx, reservation, { to: 'released', lines })
    })
  }

/** Nothing was held, so nothing is announced; but a late call is told that the order is over. */
async function bury(tx: Sql, { id }: Reservation): Promise<void> {
  await tx.$executeRaw`
    UPDATE reservations SET status = 'released', updated_at = now() WHERE id = ${id}::uuid`
}
