/** Orders that commands are given to through the use cases of their service; what the workflow takes is said by the command. */
import { randomUUID } from 'node:crypto'
import { ProblemError } from '#platform/problem.ts'
import { createQuoteAmendment } from '#services/orders/amendments/quote-amendment.ts'
import { createApplyAmendment, createRefuseAmendment } from '#services/orders/amendments/settle-amendment.ts'
import { createClearAttention, createRaiseAttention } from '#services/orders/attention.ts'
import { createRaiseConcern, createSettleConcern } from '#services/orders/concerns.ts'
import { createRecordProgress } from '#services/orders/record-progress.ts'
import { createReviseOrder } from '#services/orders/revise-order.ts'
import { outcomeOf, type Life } from './life.ts'
import { TOO_LATE, unitsOf, type OrderCommand, type OrderState, type Units } from './order-model.ts'
import { fakeWorkflows, orderUseCases } from './orders-door.ts'
import type { TestOrders } from './orders.ts'

export type OrderWorld = Pick<Life<OrderState, never, OrderCommand, StoredOrder>, 'execute' | 'read' | 'show'>

const linesOf = (units: Units) =>
  Object.entries(units)
    .filter(([, quantity]) => quantity > 0)
    .map(([sku, quantity]) => ({ sku, quantity }))

const AT = new Date().toISOString()
const sinceOf = (question: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, question)).toISOString()

/** @returns opens a new order that has these units */
export function orderWorlds(orders: TestOrders): (units: Units) => Promise<OrderWorld> {
  const { database, transact } = orders
  const workflows = fakeWorkflows()
  const { commandOrder, operateOrder, amendOrder } = orderUseCases(orders, workflows)
  const recordProgress = createRecordProgress(transact)
  const raiseAttention = createRaiseAttention(transact)
  const clearAttention = createClearAttention(transact)
  const raiseConcern = createRaiseConcern(transact)
  const settleConcern = createSettleConcern(transact)
  const reviseOrder = createReviseOrder(orders)
  const quoteAmendment = createQuoteAmendment(orders)
  const applyAmendment = createApplyAmendment(transact)
  const refuseAmendment = createRefuseAmendment(transact)

  /** What the workflow answers to the next command. */
  const workflowTakes = (accepted: boolean, code: string) =>
    workflows.command.mockImplementation(async () => {
      if (!accepted) throw new ProblemError(code as 'conflict', 'The workflow says no.')
    })

  return async (units) => {
    const customerId = randomUUID()
    const { id: orderId } = await orders.place(customerId, { lines: linesOf(units) })
    /** Changes have ids of their own, which the workflow is told. */
    const changes = new Map<number, string>()
    const changeOf = (change: number) => ({ orderId, amendmentId: changes.get(change) ?? randomUUID() })
    const question = { step: 's', operation: 'o', error: 'e' }

    type Do = OrderCommand['do']
    const DEEDS: { [D in Do]: (command: OrderCommand & { do: D }) => Promise<unknown> } = {
      record: ({ status, steps, waitsFor, reason }) =>
        recordProgress({
          orderId,
          steps: steps.map((sequence) => {
            return { sequence, name: `step ${sequence}`, status: 'completed', detail: null, at: AT }
          }),
          ...(status === undefined ? {} : { status }),
          ...(reason === undefined ? {} : { reason: { code: reason, message: reason } }),
          ...(waitsFor === undefined ? {} : { waitingFor: waitsFor && { what: waitsFor, until: AT } }),
        }),
      raise: ({ question: attempts }) =>
        raiseAttention({ orderId, ...question, attempts, since: sinceOf(attempts) }),
      clear: ({ question: answered, action }) =>
        clearAttention({ orderId, action, by: 'op', note: 'n', since: sinceOf(answered) }),
      concern: ({ source }) => raiseConcern({ orderId, source: `${source}`, ...question }),
      settle: ({ source }) => settleConcern({ orderId, source: `${source}`, note: 'n' }),
      revise: ({ revision, units: left }) => reviseOrder({ orderId, revision, lines: linesOf(left) }),
      ask({ change, accepted }) {
        workflows.amend.mockImplementation(async (_input, { amendmentId }) => {
          changes.set(change, amendmentId)
          if (accepted) return undefined
          throw new ProblemError('order_not_amendable', 'The workflow says no.')
        })
        const wanted = { lines: linesOf(unitsOf(change)) }
        const intent = `${orderId} ${change}`
        return amendOrder({ orderId, customerId, change: wanted, ifMatch: undefined, intent })
      },
      quote: ({ change }) => quoteAmendment(changeOf(change)),
      apply: ({ change }) => applyAmendment(changeOf(change)),
      refuse: ({ change }) => refuseAmendment({ ...changeOf(change), code: 'c', message: 'm' }),
      command({ name, update, stranger, ifMatch, accepted }) {
        workflowTakes(accepted, TOO_LATE[name])
        const owner = stranger ? randomUUID() : customerId
        const argument = { by: customerId, reason: null, decision: 'wait', paymentMethod: 'pm' } as const
        const input = { orderId, owner, ifMatch, updateId: `${update}` }
        return commandOrder({ ...input, command: { name, argument } })
      },
      operate({ action, update, accepted }) {
        workflowTakes(accepted, 'no_operation_waiting')
        const answer = { action, by: 'op', note: 'n' }
        const finish = async () => {}
        return operateOrder({ orderId, answer, ifMatch: undefined, updateId: `${update}`, finish })
      },
    }

    return {
      execute(command) {
        const deed: (command: never) => Promise<unknown> = DEEDS[command.do]
        return outcomeOf(deed(command as never))
      },

      async read() {
        const [stored] = await database.$queryRaw<StoredOrder[]>`
          SELECT row_to_json(orders) AS row,
            (SELECT json_agg(line ORDER BY position) FROM order_lines AS line WHERE line.order_id = orders.id) AS lines,
            (SELECT coalesce(json_agg(change ORDER BY id), '[]') FROM amendments AS change
              WHERE change.order_id = orders.id) AS amendments,
            (SELECT coalesce(json_agg(concern ORDER BY source), '[]') FROM concerns AS concern
              WHERE concern.order_id = orders.id) AS concerns,
            (SELECT json_agg(entry ORDER BY id) FROM timeline_entries AS entry
              WHERE entry.order_id = orders.id) AS timeline,
            (SELECT json_agg(event ORDER BY id) FROM outbox AS event
              WHERE event.aggregate_id = orders.id::text) AS events
          FROM orders WHERE id = ${orderId}::uuid`
        return stored!
      },

      show({ row, lines, amendments, concerns, timeline, events }) {
        const numbers = new Map([...changes].map(([change, id]) => [id, change]))
        return {
          status: row.status,
          version: row.version,
          revision: row.revision,
          question: row.attention?.attempts ?? null,
          waitsFor: row.waiting_for?.what ?? null,
          reason: row.reason_code,
          units: Object.fromEntries(lines.map(({ sku, quantity }) => [sku, quantity])),
          concerns: concerns.filter((one) => one.settled_at === null).map(({ source }) => Number(source)),
          changes: Object.fromEntries(amendments.map(({ id, status }) => [numbers.get(id), status])),
          events: events.map(({ version, type, payload }) => [version, type, payload.status ?? null]),
          timeline: timeline.map(({ kind, name, status }) => `${kind} ${name} ${status}`),
        }
      },
    }
  }
}

export interface StoredOrder {
  row: {
    status: string
    version: number
    revision: number
    attention: { attempts: number } | null
    waiting_for: { what: string } | null
    reason_code: string | null
  }
  lines: { sku: string; quantity: number }[]
  amendments: { id: string; status: string }[]
  concerns: { source: string; settled_at: string | null }[]
  timeline: { kind: string; name: string; status: string }[]
  events: { version: number; type: string; payload: { status?: string } }[]
}
