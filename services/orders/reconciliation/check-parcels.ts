/**
 * Parcels under way whose workflow has ended without an end of the parcel. An order whose own child that was asks an
 * operator by itself; one that was reset, and has only joined the parcel, is not told.
 */
import type { ShipmentStatus } from '#contracts/states.ts'
import type { Finding } from '#contracts/workflows.ts'
import type { SettleConcern } from '../concerns.ts'
import type { OrdersDatabase } from '../store.ts'
import { BATCH, inTurns } from './look-in-turns.ts'
import type { WorkflowStates } from './workflow-states.ts'

interface Dependencies {
  database: OrdersDatabase
  /** Of the parcels' workflows. */
  statesOf: WorkflowStates
  settleConcern: SettleConcern
}

interface Row {
  id: string
  orderId: string
  status: ShipmentStatus
}

/** Everything it finds is for people: a parcel is on a van, not in a database. */
export function createCheckParcels({
  database,
  statesOf,
  settleConcern,
}: Dependencies): () => Promise<Finding[]> {
  const nextRows = inTurns((after) => rowsAfter(database, after))

  return async () => {
    for (const { orderId, source, status } of await endedAfterAll(database))
      await settleConcern({ orderId, source, note: `the parcel is ${status}` })
    const rows = await nextRows()
    const states = await statesOf(rows.map(({ id }) => id))
    return rows.flatMap(({ id, orderId, status }): Finding[] => {
      const state = states.get(id) ?? 'missing'
      // what has completed has said how the parcel ended, and its word is on its way
      if (state === 'running' || state === 'completed') return []
      const what = state === 'missing' ? 'has no workflow' : 'its workflow has ended'
      const detail = `parcel ${id} is ${status} and ${what}`
      return [{ kind: 'parcel_stuck', subjectId: id, orderId, detail, repaired: false }]
    })
  }
}

/** Parcels that were put before the operators and have come to their end since. */
const endedAfterAll = (
  database: OrdersDatabase,
): PromiseLike<{ orderId: string; source: string; status: ShipmentStatus }[]> =>
  database.$queryRaw<{ orderId: string; source: string; status: ShipmentStatus }[]>`
    SELECT concerns.order_id AS "orderId", source, parcel.status
    FROM concerns JOIN order_shipments AS parcel ON parcel.order_id = concerns.order_id
      AND starts_with(source, 'finding:parcel_stuck:' || parcel.id || ':')
    WHERE settled_at IS NULL AND operation = 'parcel_stuck' AND parcel.status IN ('delivered', 'lost', 'cancelled')
    LIMIT ${BATCH}`

/** Of orders that follow their parcels and ask nobody. */
const rowsAfter = (database: OrdersDatabase, after: string): PromiseLike<Row[]> =>
  database.$queryRaw<Row[]>`
    SELECT parcel.id, order_id AS "orderId", parcel.status
    FROM order_shipments AS parcel JOIN orders ON orders.id = order_id
    WHERE parcel.status NOT IN ('delivered', 'lost', 'cancelled')
      AND orders.status IN ('fulfilling', 'cancelling') AND orders.attention IS NULL AND parcel.id > ${after}::uuid
    ORDER BY parcel.id LIMIT ${BATCH}`
