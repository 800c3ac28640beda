/**
 * Starts the workflows of accepted orders: at once after the commit, and by a relay for those whose start failed because
 * Temporal was away or the process ended in between.
 */
import type { SagaPolicy } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { loadOrderInput } from './order-input.ts'
import type { OrderWorkflows } from './order-workflow.ts'
import { GRACE_SECONDS, LONGEST_PAUSE_SECONDS, startRelay } from './start-relay.ts'

interface Dependencies {
  database: Sql
  workflows: Pick<OrderWorkflows, 'start'>
  policy: SagaPolicy
  logger: Logger
}

export type StartOrder = (orderId: string) => Promise<void>

/** Starts one order's workflow and forgets the request to do so. */
export const createStartOrder =
  ({ database, workflows, policy }: Omit<Dependencies, 'logger'>): StartOrder =>
  async (orderId) => {
    await workflows.start(await loadOrderInput(database, orderId, policy))
    await database.$executeRaw`DELETE FROM workflow_starts WHERE order_id = ${orderId}::uuid`
  }

export function startWorkflowRelay({ logger, ...dependencies }: Dependencies): Stoppable {
  const { database } = dependencies
  return startRelay({
    name: 'orders',
    due: (limit) => database.$queryRaw`
      SELECT order_id AS id, trace FROM workflow_starts
      WHERE requested_at < now() - make_interval(secs => ${GRACE_SECONDS}) AND next_attempt_at <= now()
      ORDER BY requested_at LIMIT ${limit}`,
    start: createStartOrder(dependencies),
    postpone: (orderId) => database.$executeRaw`
      UPDATE workflow_starts SET attempts = attempts + 1,
        next_attempt_at = now() + make_interval(secs => least(${LONGEST_PAUSE_SECONDS}, 2 ^ least(attempts, 10)))
      WHERE order_id = ${orderId}::uuid`,
    logger,
  })
}
