/** Commands to a running order: they become Updates of its workflow, which alone decides whether they are in time. */
import type { Order } from '#contracts/http/orders.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import type { SagaPolicy } from '#contracts/workflows.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { loadOrderInput } from './order-input.ts'
import { isFresh, REFUSED_AT_THE_END, type OrderCommand, type OrderWorkflows } from './order-workflow.ts'
import { findOrder, type OrdersDatabase, type OwnerFilter } from './store.ts'
import { addToTimeline, isTold } from './timeline.ts'

export interface CommandInput {
  orderId: string
  owner: OwnerFilter
  command: OrderCommand
  /** The version that the caller believes to change. */
  ifMatch: number | undefined
  /** A repeated command has the same id and is handled once. */
  updateId: string
}

interface Dependencies {
  database: OrdersDatabase
  workflows: OrderWorkflows
  policy: SagaPolicy
}

/**
 * @returns the order as it was when the command had been accepted
 * @throws ProblemError `not_found`, `stale_version`, the workflow's refusal, or `workflow_engine_unavailable`
 */
export const createCommandOrder =
  ({ database, workflows, policy }: Dependencies) =>
  async ({ orderId, owner, command, ifMatch, updateId }: CommandInput): Promise<Order> => {
    // a repeat whose first answer got lost: what was accepted stays accepted, whatever has become of the order
    const accepted = await findAccepted(database, { orderId, owner, updateId })
    if (accepted !== undefined) return accepted
    const order = await findCommandable(database, { orderId, owner, ifMatch, command: command.name })
    const input = await loadOrderInput(database, orderId, policy)
    await workflows.command(input, command, updateId, { mayStart: isFresh(order.status) })
    const { by } = command.argument
    const who =
      by === order.customerId ? ({ kind: 'request' } as const) : ({ kind: 'operator', detail: by } as const)
    await addToTimeline(database, orderId, [
      { ...who, name: command.name, status: 'accepted', source: `update:${updateId}` },
    ])
    return (await findOrder(database, orderId, owner)) ?? order
  }

async function findAccepted(
  database: OrdersDatabase,
  { orderId, owner, updateId }: Pick<CommandInput, 'orderId' | 'owner' | 'updateId'>,
): Promise<Order | undefined> {
  const known = await isTold(database, orderId, `update:${updateId}`)
  return known ? findOrder(database, orderId, owner) : undefined
}

/**
 * The order that a command is for, as long as it can take one.
 *
 * @throws ProblemError `not_found`, `stale_version`, or what the command is refused with at the order's end
 */
export async function findCommandable(
  database: OrdersDatabase,
  input: Pick<CommandInput, 'orderId' | 'owner' | 'ifMatch'> & { command: keyof typeof REFUSED_AT_THE_END },
): Promise<Order> {
  const { orderId, owner, ifMatch, command } = input
  const order = await findOrder(database, orderId, owner)
  if (order === undefined) throw notFound('order')
  assertVersion(order, ifMatch)
  // asking Temporal could even start its workflow anew, once that is forgotten
  if (isTerminal(ORDER, order.status))
    throw new ProblemError(REFUSED_AT_THE_END[command], `The order is ${order.status}.`)
  return order
}

/** @throws ProblemError `stale_version` when the caller believes to change another version */
export function assertVersion(order: Pick<Order, 'version'>, ifMatch: number | undefined): void {
  if (ifMatch === undefined || ifMatch === order.version) return
  throw new ProblemError('stale_version', `The order is at version ${order.version}.`)
}
