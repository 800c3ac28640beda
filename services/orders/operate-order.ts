/** An operator answers what an order needs them for: its saga's question, or concerns that no workflow waits for. */
import type { Order } from '#contracts/http/orders.ts'
import type { AttentionState, OperateCommand } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Finish } from '#platform/idempotency.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { assertVersion, type createCommandOrder } from './command-order.ts'
import { resolveConcerns } from './concerns.ts'
import { lockOrder } from './lock-order.ts'
import { findOrder, type OrdersDatabase, type OrdersTransaction } from './store.ts'

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
}

interface Row {
  attention: AttentionState | null
  concerned: boolean
}

/**
 * @throws ProblemError `not_found`, `stale_version`, `no_operation_waiting` (nothing waits, what waited has been seen to,
 *   or there is nothing to try again) or `workflow_engine_unavailable`
 */
export const createOperateOrder =
  ({ database, transact, commandOrder }: Dependencies) =>
  async ({ orderId, answer, ifMatch, updateId, finish }: OperateInput): Promise<Order> => {
    const [row] = await database.$queryRaw<Row[]>`
      SELECT attention, EXISTS (SELECT 1 FROM concerns WHERE order_id = orders.id AND settled_at IS NULL) AS concerned
      FROM orders WHERE id = ${orderId}::uuid`
    if (row === undefined) throw notFound('order')
    const { since } = answer
    const asksSaga = since === undefined || row.attention?.since === since
    if (row.attention !== null ? asksSaga : !row.concerned) {
      const command = { name: 'operate', argument: answer } as const
      const order = await commandOrder({ orderId, owner: null, command, ifMatch, updateId })
      await finish(database, { status: 202, body: order })
      return order
    }
    if (answer.action === 'retry')
      throw new ProblemError('no_operation_waiting', 'There is nothing that could be tried again.')
    return transact(async (tx) => {
      const { by, note } = answer
      assertVersion(await lockOrder(tx, orderId), ifMatch)
      const resolved = await resolveConcerns(tx, { orderId, by, note, since })
      if (resolved === 0) throw new ProblemError('no_operation_waiting', 'What was waiting has been seen to.')
      const order = await findOrder(tx, orderId, null)
      if (order === undefined) throw notFound('order')
      await finish(tx, { status: 202, body: order })
      return order
    })
  }
