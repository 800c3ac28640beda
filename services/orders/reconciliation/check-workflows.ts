/** Orders that should have a running workflow and have none, or one that has not moved for long. */
import type { OrderStatus } from '#contracts/states.ts'
import type { Finding } from '#contracts/workflows.ts'
import type { Logger } from '#platform/logger.ts'
import type { SettleConcern } from '../concerns.ts'
import { isFresh } from '../order-workflow.ts'
import type { StartOrder } from '../start-workflows.ts'
import type { OrdersDatabase } from '../store.ts'
import type { TellOfParcels } from './tell-of-parcels.ts'
import { BATCH, inTurns, tryToStart } from './look-in-turns.ts'
import { hasEnded, type WorkflowState, type WorkflowStates } from './workflow-states.ts'

/** A younger order may still be on its way to its first step. */
const GRACE_SECONDS = 60
/** An order that waits for nobody moves within seconds, however often it has to try. */
const STUCK_SECONDS = 3_600

interface Dependencies {
  database: OrdersDatabase
  statesOf: WorkflowStates
  startOrder: StartOrder
  settleConcern: SettleConcern
  tellOfParcels: TellOfParcels
  logger: Logger
}

interface Row {
  id: string
  status: OrderStatus
  /** Whether it waits for nobody and nothing and has not moved for long. */
  stuck: boolean
}

export type CheckWorkflows = () => Promise<Finding[]>

/**
 * What was never started, or was lost before it did anything, is started, and what has missed news of its parcels is told;
 * everything else is for people.
 */
export function createCheckWorkflows({
  database,
  statesOf,
  startOrder,
  settleConcern,
  tellOfParcels,
  logger,
}: Dependencies): CheckWorkflows {
  const nextRows = inTurns((after) => rowsAfter(database, after))

  return async () => {
    for (const { orderId, source, status } of await endedAfterAll(database))
      await settleConcern({ orderId, source, note: `the order is ${status}` })
    const rows = await nextRows()
    const states = await statesOf(rows.map(({ id }) => id))
    const findings = await tellOfParcels(
      rows.map(({ id }) => id).filter((id) => states.get(id) === 'running'),
    )
    const told = new Set(findings.map(({ orderId }) => orderId))
    for (const row of rows.filter(({ id }) => !told.has(id))) {
      const finding = await judge(row, states.get(row.id) ?? 'missing')
      if (finding !== undefined) findings.push(finding)
    }
    return findings
  }

  async function judge({ id, status, stuck }: Row, state: WorkflowState): Promise<Finding | undefined> {
    const about = { subjectId: id, orderId: id }
    if (state === 'missing') {
      const repaired = isFresh(status) && (await tryToStart(startOrder, id, logger))
      const detail = `the order is ${status} and had no workflow`
      return { ...about, kind: 'workflow_missing', detail, repaired }
    }
    if (hasEnded(state) && (await stillOpen(database, id))) {
      const detail = `the order is ${status}, its workflow has ended`
      return { ...about, kind: 'workflow_stuck', detail, repaired: false }
    }
    if (state === 'running' && stuck) {
      const detail = `the order is ${status} and has not moved for more than ${STUCK_SECONDS / 60} minutes`
      return { ...about, kind: 'workflow_stuck', detail, repaired: false }
    }
    return undefined
  }
}

/** Orders whose workflow was put before the operators and has brought them to their end since. */
const endedAfterAll = (
  database: OrdersDatabase,
): PromiseLike<{ orderId: string; source: string; status: OrderStatus }[]> =>
  database.$queryRaw<{ orderId: string; source: string; status: OrderStatus }[]>`
    SELECT order_id AS "orderId", source, status
    FROM concerns JOIN orders ON orders.id = order_id
    WHERE settled_at IS NULL AND operation IN ('workflow_missing', 'workflow_stuck', 'parcel_stuck')
      AND status IN ('completed', 'rejected', 'cancelled')
    LIMIT ${BATCH}`

/** An order on its way is stuck when all its parcels have come to their end long ago. */
const rowsAfter = (database: OrdersDatabase, after: string): PromiseLike<Row[]> =>
  database.$queryRaw<Row[]>`
    SELECT id, status, updated_at < now() - make_interval(secs => ${STUCK_SECONDS})
        AND waiting_for IS NULL AND attention IS NULL
        AND (status <> 'fulfilling' OR (
          EXISTS (SELECT 1 FROM order_shipments WHERE order_id = orders.id)
          AND NOT EXISTS (SELECT 1 FROM order_shipments AS parcel WHERE parcel.order_id = orders.id AND (
            parcel.status NOT IN ('delivered', 'lost', 'cancelled')
            OR (parcel.history->-1->>'at')::timestamptz > now() - make_interval(secs => ${STUCK_SECONDS})))
        )) AS stuck
    FROM orders
    WHERE status NOT IN ('completed', 'rejected', 'cancelled')
      AND created_at < now() - make_interval(secs => ${GRACE_SECONDS}) AND id > ${after}::uuid
    ORDER BY id LIMIT ${BATCH}`

/** Its workflow may have ended, properly, between the two looks. */
async function stillOpen(database: OrdersDatabase, id: string): Promise<boolean> {
  const rows = await database.$queryRaw<unknown[]>`
    SELECT 1 FROM orders WHERE id = ${id}::uuid AND status NOT IN ('completed', 'rejected', 'cancelled')`
  return rows.length > 0
}
