/** Keeps the reconciliation's schedule in Temporal: made at the start, again should it be gone, changed with the setting. */
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
} from '@temporalio/client'
import { TASK_QUEUES } from '#contracts/services.ts'
import { RECONCILIATION_WORKFLOW } from '#contracts/workflows.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { startLoop } from '#platform/loop.ts'

export const RECONCILIATION_SCHEDULE = 'reconciliation'

/** What the Temporal UI calls its runs. */
export const RECONCILIATION_SUMMARY = 'Compares the services with each other and with the outside world'

/** Temporal may be away at the start: it is tried until it is done, and looked after from then on. */
const RETRY_MS = 5_000
const LOOK_AGAIN_MS = 600_000
const CALL_MS = 5_000

export function keepReconciliationScheduled(client: Client, minutes: number, logger: Logger): Stoppable {
  let nextLook = 0
  return startLoop({
    name: 'schedule the reconciliation',
    everyMs: RETRY_MS,
    logger,
    async work() {
      if (performance.now() < nextLook) return false
      await client.withDeadline(Date.now() + CALL_MS, () => scheduleReconciliation(client, minutes))
      nextLook = performance.now() + LOOK_AGAIN_MS
      return false
    },
  })
}

/** Makes the schedule, or gives an existing one this interval and its runs their name. */
export async function scheduleReconciliation(client: Client, minutes: number): Promise<void> {
  const every = minutes * 60_000
  const handle = client.schedule.getHandle(RECONCILIATION_SCHEDULE)
  try {
    const { spec, action } = await handle.describe()
    if (spec.intervals?.[0]?.every === every && action.staticSummary === RECONCILIATION_SUMMARY) return
    await handle.update((schedule) => ({
      ...schedule,
      spec: { intervals: [{ every }] },
      action: { ...schedule.action, staticSummary: RECONCILIATION_SUMMARY },
    }))
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error
    await create(client, every)
  }
}

async function create(client: Client, every: number): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: RECONCILIATION_SCHEDULE,
      spec: { intervals: [{ every }] },
      // a run that takes long is not joined by another; what was missed is seen by the next
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
      action: {
        type: 'startWorkflow',
        workflowType: RECONCILIATION_WORKFLOW,
        workflowId: RECONCILIATION_WORKFLOW,
        taskQueue: TASK_QUEUES.orders,
        args: [],
        staticSummary: RECONCILIATION_SUMMARY,
        // one that hangs must not keep all later ones from running
        workflowExecutionTimeout: '1 hour',
      },
    })
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error
  }
}
