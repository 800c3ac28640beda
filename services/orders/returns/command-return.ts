/** Commands to a return that is under way: they become Updates of its workflow, which alone decides. */
import type { Return } from '#contracts/http/returns.ts'
import { isTerminal, RETURN } from '#contracts/states.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { assertVersion } from '../command-order.ts'
import type { OrdersDatabase, OwnerFilter } from '../store.ts'
import { addToTimeline } from '../timeline.ts'
import { findReturn } from './find-returns.ts'
import { presentReturn } from './present-return.ts'
import { loadReturnInput, type ReturnTerms } from './return-input.ts'
import type { ReturnCommand, ReturnWorkflows } from './return-workflow.ts'

export interface CommandReturnInput {
  returnId: string
  owner: OwnerFilter
  command: ReturnCommand
  /** The version that the caller believes to change. */
  ifMatch: number | undefined
  updateId: string
}

interface Dependencies {
  database: OrdersDatabase
  returnWorkflows: ReturnWorkflows
  terms: ReturnTerms
}

/**
 * @returns the return as it was when the command had been taken
 * @throws ProblemError `not_found`, `stale_version`, `return_transition_refused` or `workflow_engine_unavailable`
 */
export const createCommandReturn =
  ({ database, returnWorkflows, terms }: Dependencies) =>
  async ({ returnId, owner, command, ifMatch, updateId }: CommandReturnInput): Promise<Return> => {
    const row = await findReturn(database, returnId, owner)
    if (row === undefined) throw notFound('return')
    assertVersion(row, ifMatch)
    // asking Temporal could even start its workflow anew, once that is forgotten
    if (isTerminal(RETURN, row.status))
      throw new ProblemError('return_transition_refused', `The return is ${row.status}.`)
    await returnWorkflows.command(await loadReturnInput(database, returnId, terms), command, updateId)
    const kind = command.name === 'cancel' ? 'request' : 'operator'
    await addToTimeline(database, row.order_id, [
      {
        kind,
        name: `${command.name}Return`,
        status: 'accepted',
        detail: command.name === 'cancel' ? null : command.argument.by,
        source: `update:${updateId}`,
      },
    ])
    return presentReturn((await findReturn(database, returnId, owner)) ?? row)
  }
