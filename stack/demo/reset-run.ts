/** Resets workflows as an operator can, in Temporal's UI or with its command line. */
import { randomUUID } from 'node:crypto'
import type { Client, WorkflowHandle } from '@temporalio/client'
import proto from '@temporalio/proto'

const { RESET_REAPPLY_EXCLUDE_TYPE_UPDATE } = proto.temporal.api.enums.v1.ResetReapplyExcludeType

/**
 * Lets the workflow's last run go on after its first or its last completed task, as `temporal workflow reset` does. It is
 * told again what it was told since; its Updates too, unless they are to be left out.
 */
export async function resetRun(
  client: Client,
  workflowId: string,
  to: 'first' | 'last',
  updates: 'with its Updates' | 'without' = 'with its Updates',
): Promise<WorkflowHandle> {
  const { runId } = await client.workflow.getHandle(workflowId).describe()
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory()
  const tasks = (events ?? []).filter(({ workflowTaskCompletedEventAttributes: done }) => done != null)
  await client.workflowService.resetWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId, runId },
    workflowTaskFinishEventId: tasks.at(to === 'first' ? 0 : -1)?.eventId ?? null,
    reason: 'to go on from here',
    requestId: randomUUID(),
    resetReapplyExcludeTypes: updates === 'without' ? [RESET_REAPPLY_EXCLUDE_TYPE_UPDATE] : [],
  })
  return client.workflow.getHandle(workflowId)
}
