/** A parcel has left: its units leave the warehouse's stock and the order's reservation. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { firstTime } from '#platform/events/inbox.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { sumBySku } from './allocate.ts'
import { lockReservation, moveReservation, readLines } from './reservations.ts'

export interface DispatchedParcel {
  /** The event that told of it. */
  eventId: string
  shipmentId: string
  orderId: string
  warehouse: string
  lines: SkuQuantity[]
}

export type ShipReservation = (parcel: DispatchedParcel) => Promise<void>

/**
 * Each event once. The order may have been released a moment before the news came: the units are gone all the same, so
 * they leave the stock without a reservation. Where another order has taken them since, the CHECK constraint refuses,
 * the event is delivered again, and in the end an operator finds it among the dead letters.
 */
export const createShipReservation =
  ({ transact, consumer }: { transact: UnitOfWork<Sql>; consumer: string }): ShipReservation =>
  ({ eventId, orderId, ...parcel }) =>
    transact(async (tx) => {
      if (!(await firstTime(tx, { consumer, eventId }))) return
      const reservation = await lockReservation(tx, orderId)
      if (reservation?.status !== 'committed' && reservation?.status !== 'released') {
        throw new Error(
          `a parcel of order ${orderId} has left, its reservation is ${reservation?.status ?? 'not there'}`,
        )
      }
      await takeAway(tx, orderId, parcel, reservation.status === 'committed')
      const lines = await readLines(tx, orderId)
      if (reservation.status === 'released' || lines.some(({ quantity, shipped }) => shipped < quantity))
        return
      await moveReservation(tx, { orderId, to: 'shipped', version: reservation.version + 1, lines })
    })

async function takeAway(
  tx: Sql,
  orderId: string,
  { shipmentId, warehouse, lines }: Pick<DispatchedParcel, 'shipmentId' | 'warehouse' | 'lines'>,
  committed: boolean,
): Promise<void> {
  const units = sumBySku(lines)
  const [left] = await tx.$queryRaw<{ lines: number }[]>`
    WITH parcel AS (
      SELECT * FROM unnest(${units.map(({ sku }) => sku)}::text[], ${units.map(({ quantity }) => quantity)}::int[])
        AS parcel (sku, quantity)
    ), locked AS MATERIALIZED (
      SELECT stock.sku, stock.warehouse, parcel.quantity
      FROM parcel JOIN stock USING (sku) JOIN reservation_lines AS line USING (sku, warehouse)
      WHERE warehouse = ${warehouse} AND line.order_id = ${orderId}::uuid
      ORDER BY stock.sku, stock.warehouse FOR NO KEY UPDATE OF stock
    ), moved AS (
      UPDATE stock SET on_hand = on_hand - locked.quantity,
        committed = committed - CASE WHEN ${committed} THEN locked.quantity ELSE 0 END
      FROM locked WHERE stock.sku = locked.sku AND stock.warehouse = locked.warehouse
    ), noted AS (
      INSERT INTO stock_movements (id, sku, warehouse, kind, quantity, reference)
      SELECT gen_random_uuid(), sku, warehouse, 'shipped', quantity, ${shipmentId} FROM locked
    ), line AS (
      UPDATE reservation_lines AS line SET shipped = shipped + locked.quantity FROM locked
      WHERE line.order_id = ${orderId}::uuid AND line.sku = locked.sku AND line.warehouse = locked.warehouse
      RETURNING 1
    )
    SELECT count(*)::int AS lines FROM line`
  if (left?.lines !== units.length) {
    throw new Error(`parcel ${shipmentId} holds what order ${orderId} has not reserved at ${warehouse}`)
  }
}
