/** Undoes an order's reservation: what has not left becomes available again. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockReservation, mayReservationMove, moveReservation, readLines } from './reservations.ts'

export type ReleaseReservation = (orderId: string) => Promise<void>

/** Leaves a tombstone where there is no reservation, so that a late one finds it; a repeat changes nothing. */
export const createReleaseReservation =
  ({ transact }: { transact: UnitOfWork<Sql> }): ReleaseReservation =>
  (orderId) =>
    transact(async (tx) => {
      const buried = await tx.$executeRaw`
        INSERT INTO reservations (order_id, status, version) VALUES (${orderId}::uuid, 'released', 0)
        ON CONFLICT DO NOTHING`
      if (buried === 1) return
      const reservation = await lockReservation(tx, orderId)
      if (reservation === undefined)
        throw new Error(`the reservation of order ${orderId} is there and is not`)
      if (reservation.status === 'refused') return bury(tx, orderId)
      if (!mayReservationMove(reservation.status, 'released')) return
      await giveBack(tx, orderId, reservation.status === 'committed')
      const lines = (await readLines(tx, orderId))
        .map(({ quantity, shipped, ...line }) => ({ ...line, quantity: quantity - shipped }))
        .filter(({ quantity }) => quantity > 0)
      await moveReservation(tx, { orderId, to: 'released', version: reservation.version + 1, lines })
    })

/** Nothing was held, so nothing is announced; but a late call is told that the order is over. */
async function bury(tx: Sql, orderId: string): Promise<void> {
  await tx.$executeRaw`
    UPDATE reservations SET status = 'released', updated_at = now() WHERE order_id = ${orderId}::uuid`
}

async function giveBack(tx: Sql, orderId: string, committed: boolean): Promise<void> {
  await tx.$executeRaw`
    WITH locked AS MATERIALIZED (
      SELECT stock.sku, stock.warehouse, line.quantity - line.shipped AS quantity
      FROM stock JOIN reservation_lines AS line USING (sku, warehouse)
      WHERE line.order_id = ${orderId}::uuid
      ORDER BY stock.sku, stock.warehouse FOR NO KEY UPDATE OF stock
    )
    UPDATE stock SET
      held = held - CASE WHEN ${committed} THEN 0 ELSE locked.quantity END,
      committed = committed - CASE WHEN ${committed} THEN locked.quantity ELSE 0 END
    FROM locked WHERE stock.sku = locked.sku AND stock.warehouse = locked.warehouse`
}
