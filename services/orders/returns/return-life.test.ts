/** Whatever is asked of an order's returns, in whatever order, again, late or at once: they do what their rules say, or nothing. */
import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReturnStatus } from '#contracts/states.ts'
import { ProblemError } from '#platform/problem.ts'
import { leadAlone, leadTogether, outcomeOf, type Life } from '#tests/support/life.ts'
import { fakeReturnWorkflows, fakeWorkflows, orderUseCases } from '#tests/support/orders-door.ts'
import { testOrders } from '#tests/support/orders.ts'
import { parametersOf } from '#tests/support/property.ts'
import { RETURN_DRAWING } from '#tests/support/state-drawings.ts'
import { createRecordReturn } from './record-return.ts'
import type { ReturnCommand as PeoplesCommand } from './return-workflow.ts'

const orders = await testOrders(10)
const { database, transact } = orders
const returnWorkflows = fakeReturnWorkflows()
const { requestReturn, commandReturn } = orderUseCases(orders, fakeWorkflows(), returnWorkflows)
const recordReturn = createRecordReturn(transact)

/** Five units have come; of these, two so long ago that they cannot be returned any more. */
const DELIVERED = 5
const IN_TIME = 3

/** Returns are told apart by the order in which they were requested. */
type Command =
  | { do: 'request'; units: number; stranger: boolean; ifMatch?: number }
  | { do: 'record'; which: number; status: Exclude<ReturnStatus, 'requested'> }
  | {
      do: 'command'
      which: number
      name: PeoplesCommand['name']
      update: number
      stranger: boolean
      ifMatch?: number
      accepted: boolean
    }

interface Shown {
  status: ReturnStatus
  version: number
  units: number
  /** Whether it is known what goes back. */
  settled: boolean
  events: [number, string, ReturnStatus][]
}

interface State {
  shown: { order: number; returns: Shown[]; timeline: string[] }
  known: Set<string>
}

const newState = (): State => ({ shown: { order: 1, returns: [], timeline: [] }, known: new Set() })

/** A change of a return: one version, one event, one entry in its order's timeline. */
function enter({ shown: { timeline } }: State, one: Shown, status: ReturnStatus): string {
  one.status = status
  one.version += 1
  one.settled ||= status === 'approved'
  one.events.push([one.version, `return.${status}`, status])
  timeline.push(`event return.${status} ${status}`)
  return 'done'
}

function predict(state: State, command: Command): string {
  const { returns, timeline } = state.shown
  if (command.do === 'request') {
    const { units, stranger, ifMatch } = command
    const taken = returns.filter(({ status }) => status !== 'rejected' && status !== 'cancelled')
    const kept = taken.reduce((left, one) => left - one.units, DELIVERED)
    if (stranger) return 'not_found'
    if (ifMatch !== undefined && ifMatch !== state.shown.order) return 'stale_version'
    if (units > kept) return 'return_exceeds_delivered'
    if (units > IN_TIME) return 'return_window_closed'
    const requested: Shown = { status: 'requested', version: 0, units, settled: false, events: [] }
    returns.push(requested)
    return enter(state, requested, 'requested')
  }
  const one = returns[command.which]
  if (command.do === 'record') {
    if (one === undefined) return 'Refused'
    // it answers where the return is
    if (!RETURN_DRAWING.may(one.status, command.status)) return 'done'
    return enter(state, one, command.status)
  }
  const { name, update, stranger, ifMatch, accepted } = command
  if (one === undefined || stranger) return 'not_found'
  const told = `update ${command.which} ${update}`
  if (state.known.has(told)) return 'done'
  if (ifMatch !== undefined && ifMatch !== one.version) return 'stale_version'
  if (RETURN_DRAWING.after(one.status).length === 0 || !accepted) return 'return_transition_refused'
  state.known.add(told)
  timeline.push(`${name === 'cancel' ? 'request' : 'operator'} ${name}Return accepted`)
  return 'done'
}

const which = fc.nat({ max: 2 })
const seldom = fc.nat({ max: 7 }).map((one) => one === 0)
const ahead = fc.constantFrom(undefined, undefined, 0, 1, -1)
/** What is written of returns; `again` is any of the last few commands, in time or late. */
const written = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      wish: fc.constant('request' as const),
      units: fc.integer({ min: 1, max: 4 }),
      stranger: seldom,
      ahead,
    }),
  },
  { weight: 5, arbitrary: fc.record({ wish: fc.constant('advance' as const), which, pick: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      wish: fc.constant('leap' as const),
      which,
      to: fc.constantFrom(
        'approved' as const,
        'received' as const,
        'refunded' as const,
        'rejected' as const,
        'cancelled' as const,
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ wish: fc.constant('again' as const), back: fc.nat({ max: 4 }) }) },
)
const asked = fc.record({
  wish: fc.constant('command' as const),
  which,
  name: fc.constantFrom('approve' as const, 'reject' as const, 'receive' as const, 'cancel' as const),
  update: fc.nat({ max: 1 }),
  stranger: seldom,
  ahead,
  accepted: fc.constantFrom(true, true, true, false),
})
const anyWish = fc.oneof({ weight: 2, arbitrary: written }, { weight: 1, arbitrary: asked })
type Wish = typeof anyWish extends fc.Arbitrary<infer Value> ? Value : never

interface Stored {
  order: number
  timeline: { kind: string; name: string; status: string }[]
  returns: {
    row: { id: string; status: ReturnStatus; version: number; goods: number | null }
    units: number
    events: { version: number; type: string; payload: { status: ReturnStatus } }[]
  }[]
}

async function openOrder(): Promise<Life<State, Wish, Command, Stored>> {
  const customerId = randomUUID()
  const { id: orderId } = await orders.place(customerId, { lines: [{ sku: 'TEE', quantity: DELIVERED }] })
  for (const [quantity, days] of [
    [IN_TIME, 1],
    [DELIVERED - IN_TIME, -1],
  ] as const) {
    const returnableUntil = new Date(Date.now() + days * 86_400_000)
    const lines = [{ sku: 'TEE', quantity }]
    await database.orderShipment.create({
      data: {
        id: randomUUID(),
        orderId,
        warehouse: 'AMS',
        status: 'delivered',
        lines,
        history: [],
        returnableUntil,
      },
    })
  }
  const said: Command[] = []
  let ids: string[] = []
  const idOf = (index: number) => ids[index] ?? randomUUID()
  const ifMatchOf = (version: number, by: number | undefined) =>
    by === undefined ? {} : { ifMatch: version + by }

  function definite(wish: Wish, { shown }: State): Command {
    switch (wish.wish) {
      case 'request':
        return {
          do: 'request',
          units: wish.units,
          stranger: wish.stranger,
          ...ifMatchOf(shown.order, wish.ahead),
        }
      case 'advance': {
        const next = RETURN_DRAWING.after(shown.returns[wish.which]?.status ?? 'refunded')
        const to = next[wish.pick % next.length] ?? 'approved'
        return { do: 'record', which: wish.which, status: to === 'requested' ? 'approved' : to }
      }
      case 'leap':
        return { do: 'record', which: wish.which, status: wish.to }
      case 'again':
        return said.at(-1 - wish.back) ?? { do: 'record', which: 0, status: 'received' }
      default: {
        const { wish: deed, ahead: by, ...command } = wish
        return { do: deed, ...command, ...ifMatchOf(shown.returns[wish.which]?.version ?? 0, by) }
      }
    }
  }

  function carryOut(command: Command): Promise<unknown> {
    if (command.do === 'record')
      return recordReturn({ returnId: idOf(command.which), status: command.status })
    const by = command.stranger ? randomUUID() : customerId
    const { ifMatch } = command
    if (command.do === 'request') {
      const body = { lines: [{ sku: 'TEE', quantity: command.units, reason: 'too small' }] }
      return requestReturn({ orderId, customerId: by, body, ifMatch, finish: async () => {} })
    }
    const { accepted, update, name } = command
    returnWorkflows.command.mockImplementation(async () => {
      if (!accepted) throw new ProblemError('return_transition_refused', 'The workflow says no.')
    })
    const argument = { by, reason: null, warehouse: 'AMS', disposition: 'restock' } as const
    const returnId = idOf(command.which)
    return commandReturn({
      returnId,
      owner: by,
      ifMatch,
      command: { name, argument },
      updateId: `${returnId} ${update}`,
    })
  }

  return {
    predict,
    choose(wish, state) {
      const command = definite(wish, state)
      said.push(command)
      return command
    },
    execute: (command) => outcomeOf(carryOut(command)),
    async read() {
      const [stored] = await database.$queryRaw<Stored[]>`
        SELECT version AS order,
          (SELECT coalesce(json_agg(t ORDER BY t.id), '[]') FROM timeline_entries AS t
            WHERE t.order_id = orders.id AND t.name ILIKE '%return%') AS timeline,
          (SELECT coalesce(json_agg(one ORDER BY one.first), '[]') FROM (
            SELECT row_to_json(r) AS row, sum(line.quantity) AS units,
              (SELECT json_agg(o ORDER BY o.id) FROM outbox AS o WHERE o.aggregate_id = r.id::text) AS events,
              (SELECT min(o.id) FROM outbox AS o WHERE o.aggregate_id = r.id::text) AS first
            FROM returns AS r JOIN return_lines AS line ON line.return_id = r.id
            WHERE r.order_id = orders.id GROUP BY r.id) AS one) AS returns
        FROM orders WHERE id = ${orderId}::uuid`
      ids = stored!.returns.map(({ row }) => row.id)
      return stored!
    },
    show: ({ order, returns, timeline }) => ({
      order,
      returns: returns.map(({ row, units, events }) => ({
        status: row.status,
        version: row.version,
        units,
        settled: row.goods !== null,
        events: events.map(({ version, type, payload }) => [version, type, payload.status]),
      })),
      timeline: timeline.map(({ kind, name, status }) => `${kind} ${name} ${status}`),
    }),
  }
}

/** Returns whose story the events do not tell, in the order of their versions. */
const untold = ({ shown }: State) =>
  shown.returns.filter(({ status, version, events }) => {
    const told = events.map(([, , entered]) => entered)
    return !RETURN_DRAWING.leads(told) || told.at(-1) !== status || events.at(-1)?.[0] !== version
  })

describe('returns', () => {
  it('do what their rules say, once, and nothing at all where they refuse or know it already', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(anyWish, { minLength: 15, maxLength: 35 }), async (wishes) => {
        const end = await leadAlone(await openOrder(), { state: newState(), wishes, seen })
        expect(untold(end)).toEqual([])
      }),
      parametersOf(30),
    )
    // the stories have all of it
    const refusals = ['Refused', 'stale_version', 'return_exceeds_delivered', 'return_transition_refused']
    const all = ['done, changed', 'done, unchanged', ...refusals.map((code) => `${code}, unchanged`)]
    expect([...seen]).toEqual(expect.arrayContaining(all))
  }, 120_000)

  it('come to the same as one after the other when two things are asked at once', async () => {
    const pairs = fc.array(fc.tuple(written, written), { minLength: 4, maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(pairs, async (rounds) => {
        const life = await openOrder()
        let state = newState()
        for (const wishes of rounds) state = await leadTogether(life, { state, wishes })
        expect(untold(state)).toEqual([])
      }),
      parametersOf(25),
    )
  }, 120_000)
})
