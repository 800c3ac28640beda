/**
 * Starts the workflows of accepted orders: at once after the commit, and by a relay for those whose start failed because
 * Temporal was away or the process ended in between.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { SagaPolicy } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
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

/** Starts what was accepted and not started, for ever, oldest first. */
export function startWorkflowRelay({ logger, ...dependencies }: Dependencies): Stoppable {
  const stopping = new AbortController()
  const startOrder = createStartOrder(dependencies)

  async function startPending(): Promise<void> {
    const pending = await dependencies.database.$queryRaw<{ order_id: string; trace: string | null }[]>`
      SELECT order_id, trace FROM workflow_starts
      WHERE requested_at < now() - make_interval(secs => ${GRACE_SECONDS})
      ORDER BY requested_at LIMIT ${BATCH}`
    for (const { order_id: orderId, trace } of pending) {
      await withTrace(continueTrace(trace ?? undefined), () => startOrder(orderId))
    }
    if (pending.length > 0) logger.info({ count: pending.length }, 'the relay started workflows')
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await startPending()
      } catch (error) {
        logger.warn({ err: error }, 'workflows could not be started; the relay tries again')
      }
      await sleep(POLL_MS, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
