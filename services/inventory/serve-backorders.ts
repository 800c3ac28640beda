/** Gives stock that has come to those who wait for it, first come first served. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { findServable, leaveQueue, readBackorder, waitAlsoFor } from './backorders.ts'
import { findShortages } from './demands.ts'
import { grantStock, type GrantPolicy } from './grant-stock.ts'
import { lockStock } from './promises.ts'
import { lockReservation } from './reservations.ts'

/** @returns how many were served */
export type ServeBackorders = () => Promise<number>

/**
 * One order per transaction, its header before stock as everywhere. Any number of these may run at once: who is served is
 * decided under the locks.
 */
export const createServeBackorders =
  ({ database, transact, ...policy }: ServeBackordersDependencies): ServeBackorders =>
  async () => {
    const tried: string[] = []
    let served = 0
    for (;;) {
      const next = await findServable(database, tried)
      if (next === undefined) return served
      tried.push(next.id)
      if (await transact((tx) => serve(tx, next, policy))) served += 1
    }
  }

interface ServeBackordersDependencies extends GrantPolicy {
  database: Sql
  transact: UnitOfWork<Sql>
}

async function serve(
  tx: Sql,
  { id, orderId }: { id: string; orderId: string },
  policy: GrantPolicy,
): Promise<boolean> {
  const reservation = await lockReservation(tx, { orderId, reservationId: id })
  const backorder = await readBackorder(tx, id)
  if (reservation === undefined || backorder === undefined) return false
  const { position, request, demands } = backorder
  const stock = await lockStock(
    tx,
    demands.map(({ sku }) => sku),
    position,
  )
  const shortages = findShortages(demands, stock)
  if (shortages.length > 0) {
    const missing = shortages.map(({ sku }) => sku)
    await waitAlsoFor(tx, id, missing)
    return false
  }
  await leaveQueue(tx, id)
  await grantStock(tx, { reservation, request, demands, stock, promised: [], shortages: [] }, policy)
  return true
}
