/** Which of these orders somebody still works on: what they hold is theirs. */
import type { OrdersDatabase } from '../store.ts'
import { hasEnded, type WorkflowStates } from './workflow-states.ts'

export type FindRunning = (input: { orderIds: string[] }) => Promise<{ orderIds: string[] }>

/**
 * An order that has ended holds nothing rightly. One that has not counts as running unless its workflow has closed; a
 * missing one is about to be started.
 */
export const createFindRunning =
  ({ database, statesOf }: { database: OrdersDatabase; statesOf: WorkflowStates }): FindRunning =>
  async ({ orderIds }) => {
    const rows = await database.$queryRaw<{ id: string }[]>`
      SELECT id FROM orders
      WHERE id = ANY(${orderIds}::uuid[]) AND status NOT IN ('completed', 'rejected', 'cancelled')`
    const open = rows.map(({ id }) => id)
    const states = await statesOf(open)
    return { orderIds: open.filter((id) => !hasEnded(states.get(id) ?? 'missing')) }
  }
