/** What the use cases of a reservation share: its row, its lines, its events. */
import type { EventPayload } from '#contracts/events.ts'
import type { Allocation } from '#contracts/schemas.ts'
import { mayMove, RESERVATION, type ReservationStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent } from '#platform/events/outbox.ts'
import type { AllocatedLine } from './allocate.ts'

/** `refused` is a reservation that never was: nothing is held, the answer is kept for repeats. */
export type StoredStatus = ReservationStatus | 'refused'

export interface LockedReservation {
  status: StoredStatus
  version: number
}

/** Locks the row, so that moves of one reservation happen one after the other. Always before rows of stock. */
export async function lockReservation(tx: Sql, orderId: string): Promise<LockedReservation | undefined> {
  const [row] = await tx.$queryRaw<LockedReservation[]>`
    SELECT status, version FROM reservations WHERE order_id = ${orderId}::uuid FOR NO KEY UPDATE`
  return row
}

export const mayReservationMove = (from: StoredStatus, to: ReservationStatus): boolean =>
  from !== 'refused' && mayMove(RESERVATION, from, to)

/** The reservation's lines in a fixed order, with how much of each has left. */
export const readLines = (tx: Sql, orderId: string): PromiseLike<(AllocatedLine & { shipped: number })[]> =>
  tx.$queryRaw`
    SELECT sku, warehouse, quantity, shipped FROM reservation_lines
    WHERE order_id = ${orderId}::uuid ORDER BY warehouse COLLATE "C", sku COLLATE "C"`

/** Writes the reservation's next state and its event. */
export async function moveReservation(
  tx: Sql,
  { orderId, to, version, lines }: { orderId: string; to: MovedTo; version: number; lines: AllocatedLine[] },
): Promise<void> {
  await tx.$executeRaw`
    UPDATE reservations SET status = ${to}, version = ${version}, updated_at = now()
    WHERE order_id = ${orderId}::uuid`
  await appendEvent(tx, {
    type: `reservation.${to}`,
    aggregateId: orderId,
    version,
    payload: { orderId, lines: toEventLines(lines) },
  })
}

type MovedTo = 'committed' | 'released' | 'shipped'

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
