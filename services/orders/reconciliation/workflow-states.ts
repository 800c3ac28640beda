/** Whether the workflows of orders, returns or parcels run, as Temporal knows it. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client'
import { orderWorkflowId } from '#contracts/workflows.ts'

/** `completed` came to its own end, `closed` to another: it failed, was cancelled, was terminated. */
export type WorkflowState = 'running' | 'completed' | 'closed' | 'missing'

export const hasEnded = (state: WorkflowState): boolean => state === 'completed' || state === 'closed'

/** How many workflows one look into the visibility store asks for. */
const BATCH = 100
/** How many are described at the same time. */
const AT_ONCE = 10

export type WorkflowStates = (ids: readonly string[]) => Promise<Map<string, WorkflowState>>

/**
 * The visibility store says cheaply who runs, a moment late; whoever it does not name as running is looked up one by one.
 *
 * @param idOf the id of the workflow of an order, of a return or of a parcel
 */
export const createWorkflowStates =
  (client: Client, idOf: (id: string) => string = orderWorkflowId): WorkflowStates =>
  async (ids) => {
    const states = new Map<string, WorkflowState>()
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = ids.slice(at, at + BATCH)
      const seen = await runningAmong(client, batch.map(idOf))
      for (const id of batch) if (seen.has(idOf(id))) states.set(id, 'running')
    }
    const others = ids.filter((id) => !states.has(id))
    for (let at = 0; at < others.length; at += AT_ONCE) {
      await Promise.all(
        others.slice(at, at + AT_ONCE).map(async (id) => states.set(id, await stateOf(client, idOf(id)))),
      )
    }
    return states
  }

async function runningAmong(client: Client, workflowIds: readonly string[]): Promise<Set<string>> {
  const ids = workflowIds.map((id) => `'${id}'`).join(', ')
  const found = new Set<string>()
  const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${ids})`
  for await (const { workflowId } of client.workflow.list({ query })) found.add(workflowId)
  return found
}

async function stateOf(client: Client, workflowId: string): Promise<WorkflowState> {
  try {
    const { status } = await client.workflow.getHandle(workflowId).describe()
    if (status.name === 'RUNNING') return 'running'
    return status.name === 'COMPLETED' ? 'completed' : 'closed'
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'missing'
    throw error
  }
}
