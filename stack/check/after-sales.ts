/** What was changed, returned and paid back: the orders service's word against everybody else's. */
import type { Finding } from './findings.ts'
import { checkRefunds, NOT_RESOLVED } from './refunds.ts'
import { NO_EVENT, type Sources, type StreamEvent } from './sources.ts'
import { isTerminal, RETURN, type ReturnStatus } from '#contracts/states.ts'
import { returnWorkflowId } from '#contracts/return-workflow.ts'

export async function checkAfterSales(sources: Sources, stream: StreamEvent[]): Promise<Finding[]> {
  return [
    ...(await checkSums(sources)),
    ...(await checkAmendments(sources)),
    ...(await checkPaid(sources)),
    ...(await checkUnits(sources)),
    ...(await checkRefunds(sources)),
    ...(await checkReturns(sources, stream)),
  ]
}

/** Lines sum to their order, whatever it has been through. */
async function checkSums(sources: Sources): Promise<Finding[]> {
  const rows = await sources.query<{ number: string }>(
    'orders',
    `SELECT number FROM orders JOIN order_lines AS line ON line.order_id = orders.id
     GROUP BY orders.id HAVING sum(line.total) <> subtotal OR sum(line.tax) <> orders.tax`,
  )
  return rows.map(({ number }) => ({ invariant: 3, subject: number, problem: 'is not the sum of its lines' }))
}

/** No amendment outlives its order, and none keeps an address once it is settled. */
async function checkAmendments(sources: Sources): Promise<Finding[]> {
  const rows = await sources.query<{ number: string; open: boolean }>(
    'orders',
    `SELECT number, amendment.status = 'requested' AS open FROM amendments AS amendment
     JOIN orders ON orders.id = order_id
     WHERE (amendment.status = 'requested' AND orders.status IN ('completed', 'rejected', 'cancelled'))
        OR (amendment.status <> 'requested' AND amendment.shipping_address IS NOT NULL)`,
  )
  return rows.map(({ number, open }) => ({
    invariant: 2,
    subject: number,
    problem: open ? 'has ended and has an open amendment' : 'keeps the address of a settled amendment',
  }))
}

/** A completed order that was sent whole was paid whole, unless an operator has settled it otherwise. */
async function checkPaid(sources: Sources): Promise<Finding[]> {
  const orders = await sources.query<{ id: string; number: string; total: string }>(
    'orders',
    `SELECT id, number, total FROM orders
     WHERE status = 'completed' AND total > 0 AND ${NOT_RESOLVED}
       AND EXISTS (SELECT 1 FROM order_shipments WHERE order_id = orders.id)
       AND NOT EXISTS (SELECT 1 FROM order_shipments WHERE order_id = orders.id AND status = 'cancelled')`,
  )
  const payments = await sources.query<{ order_id: string; captured: string }>(
    'payments',
    'SELECT order_id, captured FROM payments',
  )
  const captured = new Map(payments.map((payment) => [payment.order_id, payment.captured]))
  return orders
    .filter(({ id, total }) => captured.get(id) !== total)
    .map(({ id, number, total }) => ({
      invariant: 3,
      subject: number,
      problem: `is completed and costs ${total}, captured is ${captured.get(id) ?? 0}`,
    }))
}

/** Nobody returns more than they were brought. */
async function checkUnits(sources: Sources): Promise<Finding[]> {
  const rows = await sources.query<{ order_id: string; sku: string; delivered: string; returned: string }>(
    'orders',
    `SELECT returned.order_id, returned.sku, coalesce(delivered.units, 0) AS delivered, returned.units AS returned
     FROM (SELECT order_id, sku, sum(quantity) AS units FROM returns JOIN return_lines ON return_id = returns.id
           WHERE status NOT IN ('rejected', 'cancelled') GROUP BY order_id, sku) AS returned
     LEFT JOIN (SELECT order_id, line->>'sku' AS sku, sum((line->>'quantity')::int) AS units
           FROM order_shipments, jsonb_array_elements(lines) AS line
           WHERE status = 'delivered' GROUP BY order_id, line->>'sku') AS delivered USING (order_id, sku)
     WHERE returned.units > coalesce(delivered.units, 0)`,
  )
  return rows.map(({ order_id: id, sku, delivered, returned }) => ({
    invariant: 3,
    subject: `order ${id}`,
    problem: `${returned} of ${sku} are returned, ${delivered} were delivered`,
  }))
}

/** A return is what its events replay to, and its workflow ended when it did. */
async function checkReturns(sources: Sources, stream: StreamEvent[]): Promise<Finding[]> {
  const replayed = new Map<string, { status: string; version: number }>()
  for (const { eventType, aggregateId, version } of stream) {
    if (eventType === NO_EVENT || !eventType.startsWith('return.')) continue
    if (version < (replayed.get(aggregateId)?.version ?? 0)) continue
    replayed.set(aggregateId, { status: eventType.slice('return.'.length), version })
  }
  const returns = await sources.query<{ id: string; status: ReturnStatus }>(
    'orders',
    'SELECT id, status FROM returns',
  )
  const findings: Finding[] = []
  for (const { id, status } of returns) {
    const find = (problem: string) => findings.push({ invariant: 6, subject: `return ${id}`, problem })
    const events = replayed.get(id)?.status ?? 'nothing'
    if (events !== status) find(`is ${status}, its events say ${events}`)
    if (!isTerminal(RETURN, status)) continue
    const { status: closed } = await sources.temporal.workflow.getHandle(returnWorkflowId(id)).describe()
    if (closed.name !== 'COMPLETED') find(`is ${status}, its workflow ${closed.name}`)
  }
  return findings
}
