/** Makes an order's hold permanent: held units become committed ones. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockReservation, moveReservation, readLines, type ReservationRef } from './reservations.ts'

/** `gone`: there is no hold any more. */
export type CommitOutcome = 'committed' | 'gone'

export type CommitReservation = (ref: ReservationRef) => Promise<CommitOutcome>

/** A hold whose time is up can still be committed: nobody has taken the units. */
export const createCommitReservation =
  ({ transact }: { transact: UnitOfWork<Sql> }): CommitReservation =>
  (ref) =>
    transact(async (tx) => {
      const reservation = await lockReservation(tx, ref)
      if (reservation === undefined) return 'gone'
      if (reservation.status === 'committed' || reservation.status === 'shipped') return 'committed'
      if (reservation.status !== 'held') return 'gone'
      await tx.$executeRaw`
        WITH locked AS MATERIALIZED (
          SELECT stock.sku, stock.warehouse, line.quantity
          FROM stock JOIN reservation_lines AS line USING (sku, warehouse)
          WHERE line.reservation_id = ${reservation.id}::uuid
          ORDER BY stock.sku, stock.warehouse FOR NO KEY UPDATE OF stock
        )
        UPDATE stock SET held = held - locked.quantity, committed = committed + locked.quantity FROM locked
        WHERE stock.sku = locked.sku AND stock.warehouse = locked.warehouse`
      await moveReservation(tx, reservation, { to: 'committed', lines: await readLines(tx, reservation) })
      return 'committed'
    })
