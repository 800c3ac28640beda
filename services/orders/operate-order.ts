/** An operator answers what an order needs them for: its saga's question, or concerns that no workflow waits for. */
import type { Order } from '#contracts/http/orders.ts'
import type { AttentionState, OperateCommand } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Finish } from '#platform/idempotency.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { assertVersion, type createCommandOrder } from './command-order.ts'
import { resolveConcerns } from './concerns.ts'
import { forgetIfErased } from './erase-customer.ts'
import { lockOrder } from './lock-order.ts'
import { returnAsking } from './returns/return-question.ts'
import type { ReturnWorkflows } from './returns/return-workflow.ts'
import { findOrder, type OrdersDatabase, type OrdersTransaction } from './store.ts'
import { addToTimeline } from './timeline.ts'

export interface OperateInput {
  orderId: string
  answer: OperateCommand
  /** The version that the operator believes to change. */
  ifMatch: number | undefined
  updateId: string
  /** Stores the answer; for concerns in the transaction that settles them. */
  finish: Finish
}

interface Dependencies {
  database: OrdersDatabase
  transact: UnitOfWork<OrdersTransaction>
  commandOrder: ReturnType<typeof createCommandOrder>
  returnWorkflows: Pick<ReturnWorkflows, 'operate'>
}

interface Row {
  attention: AttentionState | null
  concerns: { source: string; since: string }[]
}

/**
 * @throws ProblemError `not_found`, `stale_version`, `no_operation_waiting` (nothing waits, what waited has been seen to,
 *   or there is nothing to try again), `several_operations_waiting` (and the answer names none) or
 *   `workflow_engine_unavailable`
 */
export const createOperateOrder =
  ({ database, transact, commandOrder, returnWorkflows }: Dependencies) =>
  async ({ orderId, answer, ifMatch, updateId, finish }: OperateInput): Promise<Order> => {
    const { attention, concerns } = await readOpen(database, orderId)
    const { since } = answer
    if (since === undefined && concerns.length + (attention === null ? 0 : 1) > 1) {
      throw new ProblemError(
        'several_operations_waiting',
        'The order waits for several answers: name the one that is meant by its `since`.',
      )
    }
    const meant = concerns.filter((one) => since === undefined || new Date(one.since).toISOString() === since)
    const asksSaga =
      attention === null ? concerns.length === 0 : since === undefined || attention.since === since
    if (asksSaga) {
      const command = { name: 'operate', argument: answer } as const
      const order = await commandOrder({ orderId, owner: null, command, ifMatch, updateId })
      await finish(database, { status: 202, body: order })
      return order
    }
    if (meant.length === 0)
      throw new ProblemError('no_operation_waiting', 'What was waiting has been seen to.')
    const order = await findOrder(database, orderId, null)
    if (order === undefined) throw notFound('order')
    assertVersion(order, ifMatch)
    const asked = await askReturns(meant.map(({ source }) => source))
    const sources = meant.map(({ source }) => source).filter((source) => !asked.has(source))
    if (answer.action === 'retry' && asked.size === 0)
      throw new ProblemError('no_operation_waiting', 'There is nothing that could be tried again.')
    return transact(async (tx) => {
      const { by, note, action } = answer
      if (action === 'resolve') await resolveConcerns(tx, { orderId, by, note, sources })
      if (asked.size > 0) {
        const locked = await lockOrder(tx, orderId)
        await addToTimeline(tx, orderId, [
          {
            kind: 'operator',
            name: action,
            status: 'done',
            detail: `${by}: ${note}`,
            source: `update:${updateId}`,
          },
        ])
        await forgetIfErased(tx, locked)
      }
      const body = (await findOrder(tx, orderId, null)) ?? order
      await finish(tx, { status: 202, body })
      return body
    })

    /** Hands the answer to the returns that wait for it. @returns the concerns that are theirs */
    async function askReturns(open: readonly string[]): Promise<Set<string>> {
      const theirs = new Set<string>()
      for (const source of open) {
        const question = returnAsking(source)
        if (question === undefined) continue
        const { returnId, operation } = question
        // by its own clock the question has another `since`: the concern's says when it was written down
        const { since: _since, ...command } = answer
        const named = { ...command, operation }
        if (await returnWorkflows.operate(returnId, named, `${updateId}:${returnId}`)) theirs.add(source)
      }
      return theirs
    }
  }

async function readOpen(database: OrdersDatabase, orderId: string): Promise<Row> {
  const [row] = await database.$queryRaw<Row[]>`
    SELECT attention, (SELECT coalesce(json_agg(json_build_object('source', source, 'since', since)), '[]')
      FROM concerns WHERE order_id = orders.id AND settled_at IS NULL) AS concerns
    FROM orders WHERE id = ${orderId}::uuid`
  if (row === undefined) throw notFound('order')
  return row
}
