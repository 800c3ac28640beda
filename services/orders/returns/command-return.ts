/** Commands to a return that is under way: they become Updates of its workflow, which alone decides. */
import { isTerminal, RETURN } from '#contracts/states.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { assertVersion } from '../command-order.ts'
import { lockOrder } from '../lock-order.ts'
import type { OrdersDatabase, OwnerFilter } from '../store.ts'
import { addToTimeline, isTold } from '../timeline.ts'
import { assertCanPayBack } from './can-pay-back.ts'
import { findReturn } from './find-returns.ts'
import { withVersion, type VersionedReturn } from './present-return.ts'
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
 * @throws ProblemError `not_found`, `stale_version`, `return_transition_refused`, `return_already_refunded`,
 *   `warehouse_unknown` or `workflow_engine_unavailable`
 */
export const createCommandReturn =
  ({ database, returnWorkflows, terms }: Dependencies) =>
  async ({ returnId, owner, command, ifMatch, updateId }: CommandReturnInput): Promise<VersionedReturn> => {
    const row = await findReturn(database, returnId, owner)
    if (row === undefined) throw notFound('return')
    const source = `update:${updateId}`
    // a repeat whose first answer got lost: what was accepted stays accepted, whatever has become of the return
    if (await isTold(database, row.order_id, source)) return withVersion(row)
    assertVersion(row, ifMatch)
    // asking Temporal could even start its workflow anew, once that is forgotten
    if (isTerminal(RETURN, row.status))
      throw new ProblemError('return_transition_refused', `The return is ${row.status}.`)
    if (command.name === 'approve' && row.status === 'requested') {
      // what is given back by hand after this is settled when the return pays: then it pays what is left
      const order = await lockOrder(database, row.order_id)
      await assertCanPayBack(database, order, { returnId, lines: row.lines })
    }
    if (command.name === 'receive') await assertWarehouse(database, command.argument.warehouse)
    const input = await loadReturnInput(database, returnId, terms)
    // an approval also takes a return up again whose workflow is gone
    const mayStart = row.status === 'requested' || command.name === 'approve'
    await returnWorkflows.command(input, command, updateId, { mayStart })
    const kind = command.name === 'cancel' ? 'request' : 'operator'
    await addToTimeline(database, row.order_id, [
      {
        kind,
        name: `${command.name}Return`,
        status: 'accepted',
        detail: command.name === 'cancel' ? null : command.argument.by,
        source,
      },
    ])
    return withVersion((await findReturn(database, returnId, owner)) ?? row)
  }

/**
 * Judged by what the inventory service has told, so that nothing waits for it: warehouses whose stock was ever counted, and
 * those that parcels came from. A new one is known once it has its first stock.
 */
async function assertWarehouse(database: OrdersDatabase, code: string): Promise<void> {
  const known = await database.$queryRaw<unknown[]>`
    SELECT FROM known_warehouses WHERE code = ${code}
    UNION ALL (SELECT FROM order_shipments WHERE warehouse = ${code} LIMIT 1)`
  if (known.length > 0) return
  throw new ProblemError('warehouse_unknown', `There is no warehouse ${code}.`, {
    errors: [{ path: 'warehouse', message: 'is not a warehouse' }],
  })
}
