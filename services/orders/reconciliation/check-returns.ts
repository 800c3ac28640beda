/** Returns that should have a running workflow and have none, or one that does not pay. */
import { isTerminal, RETURN, type ReturnStatus } from '#contracts/states.ts'
import type { Finding } from '#contracts/workflows.ts'
import type { Logger } from '#platform/logger.ts'
import type { SettleConcern } from '../concerns.ts'
import type { StartReturn } from '../returns/start-returns.ts'
import type { OrdersDatabase } from '../store.ts'
import { BATCH, inTurns, tryToStart } from './look-in-turns.ts'
import { hasEnded, type WorkflowState, type WorkflowStates } from './workflow-states.ts'

/** A younger return may still be on its way to its workflow. */
const GRACE_SECONDS = 60
/** What is here is paid back within seconds, or an operator is asked. */
const STUCK_SECONDS = 3_600

interface Dependencies {
  database: OrdersDatabase
  statesOf: WorkflowStates
  startReturn: StartReturn
  settleConcern: SettleConcern
  logger: Logger
}

interface Row {
  id: string
  orderId: string
  status: ReturnStatus
  /** Whether its goods are here for long, and nobody is asked about it. */
  stuck: boolean
}

/** What was lost before anybody answered it is started; what was agreed to may be paid already, and is for people. */
export function createCheckReturns({
  database,
  statesOf,
  startReturn,
  settleConcern,
  logger,
}: Dependencies): () => Promise<Finding[]> {
  const nextRows = inTurns((after) => rowsAfter(database, after))

  return async () => {
    for (const { orderId, source, status } of await endedAfterAll(database))
      await settleConcern({ orderId, source, note: `the return is ${status}` })
    const rows = await nextRows()
    const states = await statesOf(rows.map(({ id }) => id))
    const findings: Finding[] = []
    for (const row of rows) {
      const finding = await judge(row, states.get(row.id) ?? 'missing')
      if (finding !== undefined) findings.push(finding)
    }
    return findings
  }

  async function judge(row: Row, state: WorkflowState): Promise<Finding | undefined> {
    const { id, orderId, status, stuck } = row
    const found = (what: string, repaired = false): Finding => {
      const detail = `return ${id} is ${status} and ${what}`
      return { kind: 'return_stuck', subjectId: id, orderId, detail, repaired }
    }
    if (state === 'missing')
      return found('had no workflow', status === 'requested' && (await tryToStart(startReturn, id, logger)))
    // it may have ended, properly, between the two looks
    if (hasEnded(state)) return (await isOpen(database, id)) ? found('its workflow has ended') : undefined
    return stuck ? found(`has not moved for more than ${STUCK_SECONDS / 60} minutes`) : undefined
  }
}

/** Returns that were put before the operators and have come to their end since. */
const endedAfterAll = (
  database: OrdersDatabase,
): PromiseLike<{ orderId: string; source: string; status: ReturnStatus }[]> =>
  database.$queryRaw<{ orderId: string; source: string; status: ReturnStatus }[]>`
    SELECT concerns.order_id AS "orderId", source, status
    FROM concerns JOIN returns ON returns.order_id = concerns.order_id
      AND starts_with(source, 'finding:return_stuck:' || returns.id || ':')
    WHERE settled_at IS NULL AND operation = 'return_stuck' AND status IN ('refunded', 'rejected', 'cancelled')
    LIMIT ${BATCH}`

const rowsAfter = (database: OrdersDatabase, after: string): PromiseLike<Row[]> =>
  database.$queryRaw<Row[]>`
    SELECT id, order_id AS "orderId", status,
      status = 'received' AND updated_at < now() - make_interval(secs => ${STUCK_SECONDS}) AND NOT EXISTS (
        SELECT 1 FROM concerns WHERE concerns.order_id = returns.order_id AND settled_at IS NULL
          AND starts_with(source, 'return:' || returns.id || ':')) AS stuck
    FROM returns
    WHERE status NOT IN ('refunded', 'rejected', 'cancelled')
      AND created_at < now() - make_interval(secs => ${GRACE_SECONDS}) AND id > ${after}::uuid
    ORDER BY id LIMIT ${BATCH}`

async function isOpen(database: OrdersDatabase, id: string): Promise<boolean> {
  const [row] = await database.$queryRaw<{ status: ReturnStatus }[]>`
    SELECT status FROM returns WHERE id = ${id}::uuid`
  return row !== undefined && !isTerminal(RETURN, row.status)
}
