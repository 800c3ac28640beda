/** Makes an order's hold permanent: held units become committed ones. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockReservation, mayReservationMove, moveReservation, readLines } from './reservations.ts'

/** `gone`: there is no hold any more. */
export type CommitOutcome = 'committed' | 'gone'

export type CommitReservation = (orderId: string) => Promise<CommitOutcome>

/** A hold whose time is up can still be committed: nobody has taken the units. */
export const createCommitReservation =
  ({ transact }: { transact: UnitOfWork<Sql> }): CommitReservation =>
  (orderId) =>
    transact(async (tx) => {
      const reservation = await lockReservation(tx, orderId)
      if (reservation === undefined) return 'gone'
      if (reservation.status === 'committed' || reservation.status === 'shipped') return 'committed'
      if (!mayReservationMove(reservation.status, 'committed')) return 'gone'
      await tx.$executeRaw`
        WITH locked AS MATERIALIZED (
          SELECT stock.sku, stock.warehouse, line.quantity
          FROM stock JOIN reservation_lines AS line USING (sku, warehouse)
          WHERE line.order_id = ${orderId}::uuid
          ORDER BY stock.sku, stock.warehouse FOR NO KEY UPDATE OF stock
        )
        UPDATE stock SET held = held - locked.quantity, committed = committed + locked.quantity FROM locked
        WHERE stock.sku = locked.sku AND stock.warehouse = locked.warehouse`
      const lines = await readLines(tx, orderId)
      await moveReservation(tx, { orderId, to: 'committed', version: reservation.version + 1, lines })
      return 'committed'
    })
