/** Lets the reconciliation look now; it also looks by itself every few minutes. */
import { ScheduleOverlapPolicy, type Client } from '@temporalio/client'
import { expect, vi } from 'vitest'
import { RECONCILIATION_WORKFLOW } from '#contracts/workflows.ts'

const RUN = { timeout: 60_000, interval: 200 }
const PATIENCE_MS = 60_000
/** What a run has found is seen this soon, or is looked for by another. */
const SEEN = { timeout: 20_000, interval: 200 }

/** Resolves when a run is over that began after this was called: after the one that may be under way. */
export async function reconcile({ schedule, workflow }: Client): Promise<void> {
  const now = new Date().toISOString()
  await schedule.getHandle(RECONCILIATION_WORKFLOW).trigger(ScheduleOverlapPolicy.BUFFER_ONE)
  const since = `WorkflowType = '${RECONCILIATION_WORKFLOW}' AND ExecutionStatus = 'Completed' AND StartTime > '${now}'`
  await vi.waitFor(async () => expect((await workflow.count(since)).count).toBeGreaterThan(0), RUN)
}

/** Lets it look until this holds: what one run could not do, because a service was slow, is done by the next. */
export async function reconcileUntil<Result>(client: Client, check: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    await reconcile(client)
    try {
      return await vi.waitFor(check, SEEN)
    } catch (error) {
      if (performance.now() > deadline) throw error
    }
  }
}
