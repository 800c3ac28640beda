/**
 * Ends holds whose time is up, and takes out of the queue who waits and is not heard of. Who decides that nobody wants one
 * any more is the reconciliation, not the clock alone.
 */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { leaveQueue } from './backorders.ts'
import { giveBack } from './give-back.ts'
import { lockReservation, moveReservation, openLines, readLines } from './reservations.ts'

export type FindExpiredHolds = () => Promise<string[]>

/** An order that is about to commit is left alone for this long. */
const GRACE_SECONDS = 60
/** Who waits longer than this without a word of its order keeps others from the stock, perhaps for nobody. */
const QUEUE_SECONDS = 3_600
const AT_ONCE = 500

/** Orders whose hold has ended, and those who wait; the oldest first. */
export const createFindExpiredHolds =
  (database: Sql): FindExpiredHolds =>
  async () => {
    const rows = await database.$queryRaw<{ orderId: string }[]>`
      (SELECT order_id AS "orderId" FROM reservations
       WHERE status = 'held' AND id = order_id AND expires_at < now() - make_interval(secs => ${GRACE_SECONDS}::int)
       ORDER BY expires_at LIMIT ${AT_ONCE})
      UNION ALL
      (SELECT order_id FROM backorders JOIN reservations ON reservations.id = reservation_id
       WHERE updated_at < now() - make_interval(secs => ${QUEUE_SECONDS}::int) ORDER BY updated_at LIMIT ${AT_ONCE})`
    return rows.map(({ orderId }) => orderId)
  }

export type ExpireReservation = (orderId: string) => Promise<void>

/** Changes nothing when it was extended, served or committed in the meantime: that is seen under the reservation's lock. */
export const createExpireReservation =
  ({ transact }: { transact: UnitOfWork<Sql> }): ExpireReservation =>
  (orderId) =>
    transact(async (tx) => {
      const reservation = await lockReservation(tx, { orderId })
      if (reservation?.status !== 'held' && reservation?.status !== 'backordered') return
      const { id, status } = reservation
      const [time] = await tx.$queryRaw<{ over: boolean }[]>`
        SELECT CASE status WHEN 'held' THEN expires_at < now()
          ELSE updated_at < now() - make_interval(secs => ${QUEUE_SECONDS}::int) END AS over
        FROM reservations WHERE id = ${id}::uuid`
      if (time?.over !== true) return
      const lines = openLines(await readLines(tx, reservation))
      if (status === 'backordered') await leaveQueue(tx, id)
      else await giveBack(tx, { lines, from: 'held' })
      await moveReservation(tx, reservation, { to: 'expired', lines })
    })
