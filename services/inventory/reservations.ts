/** What the use cases of a reservation share: its row, its lines, its events. */
import type { EventPayload } from '#contracts/events.ts'
import type { Allocation } from '#contracts/schemas.ts'
import { mayMove, RESERVATION, type ReservationStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent } from '#platform/events/outbox.ts'
import type { AllocatedLine } from './allocation/allocation.ts'

/** Names a reservation: the order's own, or the one of a parcel that replaces a lost one. */
export interface ReservationRef {
  orderId: string
  /** Default: the order's. */
  reservationId?: string
}

export interface Reservation {
  id: string
  orderId: string
  status: ReservationStatus
  version: number
  /** Until when it is held, ISO 8601; what it was once it is committed. */
  expiresAt: string | null
}

type ReservationRow = Omit<Reservation, 'expiresAt'> & { expiresAt: Date | null }

const toReservation = (row: ReservationRow): Reservation => ({
  ...row,
  expiresAt: row.expiresAt?.toISOString() ?? null,
})

/** Locks the row, so that moves of one reservation happen one after the other. Always before rows of stock. */
export async function lockReservation(
  tx: Sql,
  { orderId, reservationId = orderId }: ReservationRef,
): Promise<Reservation | undefined> {
  const [row] = await tx.$queryRaw<ReservationRow[]>`
    SELECT id, order_id AS "orderId", status, version, expires_at AS "expiresAt" FROM reservations
    WHERE id = ${reservationId}::uuid AND order_id = ${orderId}::uuid FOR NO KEY UPDATE`
  return row && toReservation(row)
}

/** Locks all of an order's reservations: its own first, then those of parcels that replace lost ones. */
export async function lockReservationsOf(tx: Sql, orderId: string): Promise<Reservation[]> {
  const rows = await tx.$queryRaw<ReservationRow[]>`
    SELECT id, order_id AS "orderId", status, version, expires_at AS "expiresAt" FROM reservations
    WHERE order_id = ${orderId}::uuid ORDER BY id <> order_id, id FOR NO KEY UPDATE`
  return rows.map(toReservation)
}

export const mayReservationMove = ({ status }: Reservation, to: ReservationStatus): boolean =>
  mayMove(RESERVATION, status, to)

export interface ReservationLine extends AllocatedLine {
  /** Of `quantity`: units that have left. */
  shipped: number
  /** Of `quantity`: units of parcels that were given up. */
  released: number
}

/** The reservation's lines in a fixed order. */
export const readLines = (tx: Sql, { id }: Pick<Reservation, 'id'>): PromiseLike<ReservationLine[]> =>
  tx.$queryRaw`
    SELECT sku, warehouse, quantity, shipped, released FROM reservation_lines
    WHERE reservation_id = ${id}::uuid ORDER BY warehouse COLLATE "C", sku COLLATE "C"`

/** What is still promised: neither gone nor given back. */
export const openLines = (lines: readonly ReservationLine[]): AllocatedLine[] =>
  unitsOf(lines, ({ quantity, shipped, released }) => quantity - shipped - released)

/** The lines with some of their units, without those that have none. */
export const unitsOf = (
  lines: readonly ReservationLine[],
  units: (line: ReservationLine) => number,
): AllocatedLine[] =>
  lines
    .map((line) => ({ sku: line.sku, warehouse: line.warehouse, quantity: units(line) }))
    .filter(({ quantity }) => quantity > 0)

type MovedTo = 'committed' | 'released' | 'shipped' | 'expired'

/** Writes the reservation's next state and its event. */
export async function moveReservation(
  tx: Sql,
  reservation: Reservation,
  { to, lines }: { to: MovedTo; lines: readonly AllocatedLine[] },
): Promise<void> {
  const { id, orderId, version } = reservation
  await tx.$executeRaw`
    UPDATE reservations SET status = ${to}, version = ${version + 1}, updated_at = now() WHERE id = ${id}::uuid`
  await appendEvent(tx, {
    type: `reservation.${to}`,
    aggregateId: id,
    version: version + 1,
    payload: { orderId, lines: toEventLines(lines) },
  })
}

/** Announces that a reservation promises other lines than before. */
export async function announceChange(
  tx: Sql,
  reservation: Reservation,
  lines: readonly AllocatedLine[],
): Promise<Reservation> {
  const { id, orderId, version } = reservation
  await tx.$executeRaw`
    UPDATE reservations SET version = ${version + 1}, updated_at = now() WHERE id = ${id}::uuid`
  await appendEvent(tx, {
    type: 'reservation.changed',
    aggregateId: id,
    version: version + 1,
    payload: { orderId, lines: toEventLines(lines) },
  })
  return { ...reservation, version: version + 1 }
}

export const toEventLines = (lines: readonly AllocatedLine[]): EventPayload<'reservation.held'>['lines'] =>
  lines.map(({ sku, warehouse, quantity }) => ({ warehouse, sku, quantity }))

/** One allocation per warehouse, in a fixed order, so that a repeat gives the same answer. */
export function toAllocations(lines: readonly AllocatedLine[]): Allocation[] {
  const sorted = lines.toSorted((a, b) => compare(a.warehouse, b.warehouse) || compare(a.sku, b.sku))
  return [...Map.groupBy(sorted, ({ warehouse }) => warehouse)].map(([warehouse, ofWarehouse]) => ({
    warehouse,
    lines: ofWarehouse.map(({ sku, quantity }) => ({ sku, quantity })),
  }))
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))
