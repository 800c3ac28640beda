/** Moves the end of a hold, for an order that waits for somebody. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockReservation, type ReservationRef } from './reservations.ts'

/** `gone`: there is no hold any more. */
export type ExtendOutcome = 'extended' | 'gone'

/** `until`: ISO 8601 */
export type ExtendReservation = (extension: ReservationRef & { until: string }) => Promise<ExtendOutcome>

/** Never back. What is committed has no end; of who waits in the queue it is noted that somebody still does. */
export const createExtendReservation =
  ({ transact }: { transact: UnitOfWork<Sql> }): ExtendReservation =>
  ({ until, ...ref }) =>
    transact(async (tx) => {
      const reservation = await lockReservation(tx, ref)
      if (reservation === undefined) return 'gone'
      const { id, status } = reservation
      if (status === 'committed' || status === 'shipped') return 'extended'
      if (status !== 'held' && status !== 'backordered') return 'gone'
      await tx.$executeRaw`
        UPDATE reservations SET updated_at = now(),
          expires_at = CASE status WHEN 'held' THEN greatest(expires_at, ${new Date(until)}::timestamptz) END
        WHERE id = ${id}::uuid`
      return 'extended'
    })
