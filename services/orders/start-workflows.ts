/**
 * Starts the workflows of accepted orders: at once after the commit, and by a relay for those whose start failed because
 * Temporal was away or the process ended in between.
 */
import type { SagaPolicy } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import { startLoop } from '#platform/loop.ts'
import type { Logger } from '#platform/logger.ts'
import { isTemporalAway } from '#platform/temporal/errors.ts'
import { continueTrace, withTrace } from '#platform/trace.ts'
import { loadOrderInput } from './order-input.ts'
import type { OrderWorkflows } from './order-workflow.ts'

interface Dependencies {
  database: Sql
  workflows: OrderWorkflows
  policy: SagaPolicy
  logger: Logger
}

/** A start that is younger is still on its way from the process that accepted the order. */
const GRACE_SECONDS = 2
const POLL_MS = 1_000
const BATCH = 50

export type StartOrder = (orderId: string) => Promise<void>

/** Starts one order's workflow and forgets the request to do so. */
export const createStartOrder =
  ({ database, workflows, policy }: Omit<Dependencies, 'logger'>): StartOrder =>
  async (orderId) => {
    await workflows.start(await loadOrderInput(database, orderId, policy))
    await database.$executeRaw`DELETE FROM workflow_starts WHERE order_id = ${orderId}::uuid`
  }

/** Starts what was accepted and not started, oldest first, again and again. */
export function startWorkflowRelay({ logger, ...dependencies }: Dependencies): Stoppable {
  const startOrder = createStartOrder(dependencies)
  return startLoop({
    name: 'start workflows',
    everyMs: POLL_MS,
    logger,
    async work() {
      const pending = await dependencies.database.$queryRaw<{ order_id: string; trace: string | null }[]>`
        SELECT order_id, trace FROM workflow_starts
        WHERE requested_at < now() - make_interval(secs => ${GRACE_SECONDS})
        ORDER BY requested_at LIMIT ${BATCH}`
      let started = 0
      for (const { order_id: orderId, trace } of pending) {
        try {
          await withTrace(continueTrace(trace ?? undefined), () => startOrder(orderId))
          started += 1
        } catch (error) {
          if (isTemporalAway(error)) throw error
          // one order that cannot be started holds up no other
          logger.error({ err: error, orderId }, 'the workflow of an order cannot be started')
        }
      }
      if (started > 0) logger.info({ count: started }, 'the relay started workflows')
      return started === BATCH
    },
  })
}
