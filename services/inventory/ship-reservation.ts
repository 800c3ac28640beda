/** A parcel has left: its units leave the warehouse's stock and the order's reservation. */
import type { Sql } from '#platform/database.ts'
import { firstTime } from '#platform/events/inbox.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Logger } from '#platform/logger.ts'
import { sumBySku } from './demands.ts'
import { findSource, settle, type Parcel } from './parcels.ts'
import type { Reservation } from './reservations.ts'

export interface DispatchedParcel extends Parcel {
  /** The event that told of it. */
  eventId: string
}

export type ShipReservation = (parcel: DispatchedParcel) => Promise<void>

/**
 * Each event once. The order may have been released, or the parcel given up, a moment before the news came: the units are
 * gone all the same, so they leave the stock without a promise. Where another order has taken them since, the CHECK
 * constraint refuses, the event is delivered again, and in the end an operator finds it among the dead letters.
 */
export const createShipReservation =
  ({ transact, consumer, logger }: ShipReservationDependencies): ShipReservation =>
  ({ eventId, ...parcel }) =>
    transact(async (tx) => {
      if (!(await firstTime(tx, { consumer, eventId }))) return
      const { orderId, shipmentId } = parcel
      const { reservation, givenUp } = await findSource(tx, parcel)
      const status = reservation?.status
      const expected = status === 'committed' || status === 'released' || (status === 'shipped' && givenUp)
      if (reservation === undefined || !expected) {
        throw new Error(`a parcel of order ${orderId} has left, its reservation is ${status ?? 'not there'}`)
      }
      if (givenUp) logger.warn({ orderId, shipmentId }, 'a parcel has left that was given up')
      await takeAway(tx, reservation, parcel, givenUp)
      if (status === 'committed') await settle(tx, reservation, false)
    })

interface ShipReservationDependencies {
  transact: UnitOfWork<Sql>
  /** The consumer's durable name. */
  consumer: string
  logger: Pick<Logger, 'warn'>
}

async function takeAway(
  tx: Sql,
  { id, orderId, status }: Reservation,
  { shipmentId, warehouse, lines }: Omit<Parcel, 'orderId'>,
  givenUp: boolean,
): Promise<void> {
  const units = sumBySku(lines)
  const committed = status === 'committed' && !givenUp
  const [left] = await tx.$queryRaw<{ lines: number }[]>`
    WITH parcel AS (
      SELECT * FROM unnest(${units.map(({ sku }) => sku)}::text[], ${units.map(({ quantity }) => quantity)}::int[])
        AS parcel (sku, quantity)
    ), locked AS MATERIALIZED (
      SELECT stock.sku, stock.warehouse, parcel.quantity
      FROM parcel JOIN stock USING (sku) JOIN reservation_lines AS line USING (sku, warehouse)
      WHERE warehouse = ${warehouse} AND line.reservation_id = ${id}::uuid
      ORDER BY stock.sku, stock.warehouse FOR NO KEY UPDATE OF stock
    ), moved AS (
      UPDATE stock SET on_hand = on_hand - locked.quantity,
        committed = committed - CASE WHEN ${committed} THEN locked.quantity ELSE 0 END
      FROM locked WHERE stock.sku = locked.sku AND stock.warehouse = locked.warehouse
    ), noted AS (
      INSERT INTO stock_movements (id, sku, warehouse, kind, quantity, reference)
      SELECT gen_random_uuid(), sku, warehouse, 'shipped', quantity, ${shipmentId} FROM locked
    ), line AS (
      UPDATE reservation_lines AS line SET shipped = shipped + locked.quantity,
        released = released - CASE WHEN ${givenUp} THEN least(released, locked.quantity) ELSE 0 END
      FROM locked
      WHERE line.reservation_id = ${id}::uuid AND line.sku = locked.sku AND line.warehouse = locked.warehouse
      RETURNING 1
    )
    SELECT count(*)::int AS lines FROM line`
  if (left?.lines !== units.length) {
    throw new Error(`parcel ${shipmentId} holds what order ${orderId} has not reserved at ${warehouse}`)
  }
}
