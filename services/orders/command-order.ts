/** Commands to a running order: they become Updates of its workflow, which alone decides whether they are in time. */
import type { Order } from '#contracts/http/orders.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import type { SagaPolicy } from '#contracts/workflows.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { loadOrderInput } from './order-input.ts'
import type { OrderCommand, OrderWorkflows } from './order-workflow.ts'
import { findOrder, type OrdersDatabase, type OwnerFilter } from './store.ts'
import { addToTimeline } from './timeline.ts'

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

/** An order that has ended takes no command; asking Temporal could even start its workflow anew, once that is forgotten. */
const REFUSED_AT_THE_END = { cancel: 'order_not_cancellable', operate: 'no_operation_waiting' } as const

/**
 * @returns the order as it was when the command had been accepted
 * @throws ProblemError `not_found`, `stale_version`, the workflow's refusal, or `workflow_engine_unavailable`
 */
export const createCommandOrder =
  ({ database, workflows, policy }: Dependencies) =>
  async ({ orderId, owner, command, ifMatch, updateId }: CommandInput): Promise<Order> => {
    const order = await findOrder(database, orderId, owner)
    if (order === undefined) throw notFound('order')
    if (ifMatch !== undefined && ifMatch !== order.version) {
      throw new ProblemError('stale_version', `The order is at version ${order.version}.`)
    }
    if (isTerminal(ORDER, order.status))
      throw new ProblemError(REFUSED_AT_THE_END[command.name], `The order is ${order.status}.`)
    await workflows.command(await loadOrderInput(database, orderId, policy), command, updateId)
    await addToTimeline(database, orderId, [
      { kind: 'request', name: command.name, status: 'accepted', source: `update:${updateId}` },
    ])
    return (await findOrder(database, orderId, owner)) ?? order
  }
