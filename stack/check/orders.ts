/** Invariants 1, 2 and 6: orders exist once, come to an end, and everybody agrees on which. */
import { isTerminal, ORDER, statesOf, type OrderStatus } from '#contracts/states.ts'
import { orderWorkflowId } from '#contracts/workflows.ts'
import type { Finding } from './findings.ts'
import type { Sources, StreamEvent } from './sources.ts'

interface OrderRow {
  id: string
  number: string
  status: OrderStatus
  waits: boolean
  version: number
}

/** @param settled whether everything should have come to an end by now */
export async function checkOrders(
  sources: Sources,
  stream: StreamEvent[],
  settled: boolean,
): Promise<Finding[]> {
  const orders = await sources.query<OrderRow>(
    'orders',
    'SELECT id, number, status, attention IS NOT NULL OR waiting_for IS NOT NULL AS waits, version FROM orders',
  )
  return [
    ...(await checkAnswers(sources)),
    ...(await checkEnds(sources, orders, settled)),
    ...checkEvents(orders, stream),
    ...(await checkWorkflows(sources, orders)),
  ]
}

/** Every key that was answered with an order, or a return, names one that exists, and no two keys name the same. */
async function checkAnswers(sources: Sources): Promise<Finding[]> {
  const rows = await sources.query<{ id: string; keys: string; exists: boolean }>(
    'orders',
    `SELECT body->>'id' AS id, count(*) AS keys, bool_and(orders.id IS NOT NULL OR returns.id IS NOT NULL) AS exists
     FROM idempotency_keys LEFT JOIN orders ON orders.id = (body->>'id')::uuid
       LEFT JOIN returns ON returns.id = (body->>'id')::uuid
     WHERE idempotency_keys.status = 201 GROUP BY body->>'id'`,
  )
  return rows
    .filter(({ keys, exists }) => keys !== '1' || !exists)
    .map(({ id, keys }) => ({
      invariant: 1,
      subject: `order or return ${id}`,
      problem: `is the answer of ${keys} keys or does not exist`,
    }))
}

async function checkEnds(sources: Sources, orders: OrderRow[], settled: boolean): Promise<Finding[]> {
  const unsettled = orders
    .filter(({ status, waits }) => settled && !waits && !isTerminal(ORDER, status))
    .map<Finding>(({ number, status }) => ({ invariant: 2, subject: number, problem: `is still ${status}` }))
  const ended = orders.filter(({ status }) => isTerminal(ORDER, status)).map(({ id }) => id)
  const holds = await sources.query<{ order_id: string; status: string }>(
    'inventory',
    `SELECT order_id, status FROM reservations WHERE status IN ('backordered', 'held', 'committed')`,
  )
  const outlived = holds
    .filter(({ order_id: id }) => ended.includes(id))
    .map<Finding>(({ order_id: id, status }) => ({
      invariant: 2,
      subject: `order ${id}`,
      problem: `has ended, its stock is ${status}`,
    }))
  return [...unsettled, ...outlived]
}

const STATUS_EVENT = new RegExp(`^order\\.(${statesOf(ORDER).join('|')})$`)

/** The status of an order is the one that its events replay to, in the order of their versions, however often they came. */
function checkEvents(orders: OrderRow[], stream: StreamEvent[]): Finding[] {
  const replayed = new Map<string, { status: string; version: number }>()
  for (const { eventType, aggregateId, version } of stream) {
    const status = eventType === 'order.created' ? 'placed' : STATUS_EVENT.exec(eventType)?.[1]
    if (status === undefined || version < (replayed.get(aggregateId)?.version ?? 0)) continue
    replayed.set(aggregateId, { status, version })
  }
  return orders
    .filter(({ id, status }) => replayed.get(id)?.status !== status)
    .map(({ id, number, status }) => ({
      invariant: 6,
      subject: number,
      problem: `is ${status}, its events say ${replayed.get(id)?.status ?? 'nothing'}`,
    }))
}

const CLOSED_AS: Partial<Record<OrderStatus, readonly string[]>> = {
  completed: ['COMPLETED'],
  rejected: ['COMPLETED', 'FAILED'],
  cancelled: ['CANCELLED'],
}

/** The workflow ended as the database says. */
async function checkWorkflows(sources: Sources, orders: OrderRow[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { id, number, status } of orders) {
    const expected = CLOSED_AS[status]
    if (expected === undefined) continue
    const { status: closed } = await sources.temporal.workflow.getHandle(orderWorkflowId(id)).describe()
    if (!expected.includes(closed.name)) {
      findings.push({ invariant: 6, subject: number, problem: `is ${status}, its workflow ${closed.name}` })
    }
  }
  return findings
}
