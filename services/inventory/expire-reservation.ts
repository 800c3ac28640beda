/** Ends holds whose time is up. Who decides that nobody wants one any more is the reconciliation, not the clock alone. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { giveBack } from './give-back.ts'
import { lockReservation, moveReservation, openLines, readLines } from './reservations.ts'

export type FindExpiredHolds = () => Promise<string[]>

/** An order that is about to commit is left alone for this long. */
const GRACE_SECONDS = 60
const AT_ONCE = 500

/** Orders whose hold has ended, the oldest first. */
export const createFindExpiredHolds =
  (database: Sql): FindExpiredHolds =>
  async () => {
    const rows = await database.$queryRaw<{ orderId: string }[]>`
      SELECT order_id AS "orderId" FROM reservations
      WHERE status = 'held' AND id = order_id AND expires_at < now() - make_interval(secs => ${GRACE_SECONDS}::int)
      ORDER BY expires_at LIMIT ${AT_ONCE}`
    return rows.map(({ orderId }) => orderId)
  }

export type ExpireReservation = (orderId: string) => Promise<void>

/** Changes nothing when the hold was extended or committed in the meantime: that is seen under the reservation's lock. */
export const createExpireReservation =
  ({ transact }: { transact: UnitOfWork<Sql> }): ExpireReservation =>
  (orderId) =>
    transact(async (tx) => {
      const reservation = await lockReservation(tx, { orderId })
      if (reservation?.status !== 'held') return
      const [hold] = await tx.$queryRaw<{ over: boolean }[]>`
        SELECT expires_at < now() AS over FROM reservations WHERE id = ${reservation.id}::uuid`
      if (hold?.over !== true) return
      const lines = openLines(await readLines(tx, reservation))
      await giveBack(tx, { lines, from: 'held' })
      await moveReservation(tx, reservation, { to: 'expired', lines })
    })
