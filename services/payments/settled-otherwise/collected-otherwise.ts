import type { Sql } from '#platform/database.ts'
import { latestOf } from '../books/attempt.ts'
import type { Books } from '../books/books.ts'
import { receivableOf } from '../books/ledger.ts'

/** What parcels cost that left and were not captured: it is owed, or an operator has collected it; minor units. */
export async function collectedOtherwise(tx: Sql, { payment, attempts }: Books): Promise<number> {
  const captures = attempts.filter(({ operation }) => operation === 'capture')
  let sum = 0
  for (const shipmentId of new Set(captures.map((each) => each.shipmentId))) {
    const own = latestOf(captures, { operation: 'capture', shipmentId })
    if (own === undefined || shipmentId === null || own.status === 'succeeded') continue
    // what is given up while its outcome is not known is no receivable yet
    sum += own.givenUp ? own.amount : await receivableOf(tx, payment, shipmentId)
  }
  return sum
}
