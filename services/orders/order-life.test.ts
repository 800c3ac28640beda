/** Whatever is asked of an order, in whatever order, again, late or at once: it does what its rules say, or nothing. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OrderStatus } from '#contracts/states.ts'
import { leadAlone, leadTogether, type Life } from '#tests/support/life.ts'
import {
  newOrderState,
  predictOrder,
  type OrderCommand,
  type OrderState,
} from '#tests/support/order-model.ts'
import { orderWorlds, type StoredOrder } from '#tests/support/order-world.ts'
import { testOrders } from '#tests/support/orders.ts'
import { parametersOf } from '#tests/support/property.ts'
import { ORDER_DRAWING } from '#tests/support/state-drawings.ts'

const openWorld = orderWorlds(await testOrders(10))

const ORDERED = { TEE: 4, BOOK: 3 }
const small = fc.nat({ max: 2 })
const action = fc.constantFrom('retry' as const, 'resolve' as const)
const change = fc.nat({ max: 1 })
const accepted = fc.constantFrom(true, true, true, false)
/** What a record says beside the status. */
const story = fc.record(
  {
    steps: small,
    waitsFor: fc.constantFrom('shortage_decision' as const, 'payment_action' as const, null),
    reason: fc.constant('because'),
  },
  { requiredKeys: ['steps'] },
)

/** What the workflow says of its order; `again` is any of the last few commands, in time or late. */
const ofWorkflow = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      wish: fc.constant('advance' as const),
      pick: fc.nat(),
      ends: fc.constantFrom(true, false, false, false, false, false),
      story,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      wish: fc.constant('leap' as const),
      to: fc.constantFrom(...ORDER_DRAWING.states),
      story,
    }),
  },
  fc.record({ wish: fc.constant('stay' as const), story }),
  { weight: 4, arbitrary: fc.record({ wish: fc.constant('again' as const), back: fc.nat({ max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ wish: fc.constant('raise' as const), late: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      wish: fc.constant('clear' as const),
      late: fc.integer({ min: -1, max: 1 }),
      action,
    }),
  },
  fc.record({ wish: fc.constantFrom('concern' as const, 'settle' as const), source: small }),
  fc.record({
    wish: fc.constant('revise' as const),
    later: fc.nat({ max: 1 }),
    units: fc.record({ TEE: fc.nat({ max: 4 }), BOOK: fc.nat({ max: 3 }) }),
  }),
  {
    weight: 4,
    arbitrary: fc.record({
      wish: fc.constantFrom(
        'quote' as const,
        'quote' as const,
        'apply' as const,
        'apply' as const,
        'refuse' as const,
      ),
      change,
    }),
  },
)
/** What people say; whether the workflow takes it is said with it. */
const ofPeople = fc.oneof(
  { weight: 3, arbitrary: fc.record({ wish: fc.constant('ask' as const), change, accepted }) },
  {
    weight: 2,
    arbitrary: fc.record({
      wish: fc.constant('command' as const),
      name: fc.constantFrom('cancel' as const, 'decide' as const, 'changePaymentMethod' as const),
      update: fc.nat({ max: 6 }),
      ahead: fc.constantFrom(undefined, undefined, 0, 0, 1, -1),
      stranger: fc.nat({ max: 5 }).map((one) => one === 0),
      accepted,
    }),
  },
  fc.record({
    wish: fc.constant('operate' as const),
    action,
    update: fc.integer({ min: 7, max: 9 }),
    accepted,
  }),
)
const anyWish = fc.oneof({ weight: 3, arbitrary: ofWorkflow }, { weight: 1, arbitrary: ofPeople })
type Wish = typeof anyWish extends fc.Arbitrary<infer Value> ? Value : never

async function newOrder(): Promise<Life<OrderState, Wish, OrderCommand, StoredOrder>> {
  const said: OrderCommand[] = []
  let [steps, questions] = [0, 0]

  const record = (
    { steps: many, ...rest }: typeof story extends fc.Arbitrary<infer Value> ? Value : never,
    status?: OrderStatus,
  ): OrderCommand => ({
    do: 'record',
    ...rest,
    steps: Array.from({ length: many }, () => (steps += 1)),
    ...(status === undefined ? {} : { status }),
  })

  function definite(asked: Wish, { shown }: OrderState): OrderCommand {
    switch (asked.wish) {
      case 'advance': {
        const next = ORDER_DRAWING.after(shown.status)
        return record(
          asked.story,
          next.length === 0 ? 'cancelling' : next[Math.min(asked.pick, next.length - 1)],
        )
      }
      case 'leap':
        return record(asked.story, asked.to)
      case 'stay':
        return record(asked.story)
      case 'again':
        return said.at(-1 - asked.back) ?? record({ steps: 0 })
      case 'raise':
        return { do: 'raise', question: asked.late && questions > 0 ? questions : (questions += 1) }
      case 'clear':
        return { do: 'clear', question: (shown.question ?? questions) - asked.late, action: asked.action }
      case 'revise':
        return { do: 'revise', revision: shown.revision + asked.later, units: asked.units }
      case 'command': {
        const { wish, ahead, ...command } = asked
        return { do: wish, ...command, ...(ahead === undefined ? {} : { ifMatch: shown.version + ahead }) }
      }
      case 'ask':
        return { do: 'ask', change: asked.change, accepted: asked.accepted }
      case 'operate':
        return { do: 'operate', action: asked.action, update: asked.update, accepted: asked.accepted }
      case 'concern':
      case 'settle':
        return { do: asked.wish, source: asked.source }
      default:
        return { do: asked.wish, change: asked.change }
    }
  }

  return {
    ...(await openWorld(ORDERED)),
    predict: predictOrder,
    choose(asked, state) {
      const command = definite(asked, state)
      said.push(command)
      return command
    },
  }
}

/** The status that the events tell of, in the order of their versions. */
function replayed({ shown: { events } }: OrderState): OrderStatus {
  const statuses = events.flatMap(([, type]) =>
    type === 'order.created' ? ['placed'] : (/^order\.(\w+)$/.exec(type)?.slice(1) ?? []),
  )
  return ORDER_DRAWING.states.find((state) => state === statuses.findLast(isStatus))!
}
const isStatus = (name: string) => ORDER_DRAWING.states.some((state) => state === name)

describe('an order', () => {
  it('does what its rules say, once, and nothing at all where they refuse or know it already', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(anyWish, { minLength: 20, maxLength: 50 }), async (wishes) => {
        const end = await leadAlone(await newOrder(), { state: newOrderState(ORDERED), wishes, seen })
        expect(replayed(end)).toBe(end.shown.status)
        expect(end.shown.events.map(([version]) => version)).toEqual(
          Array.from({ length: end.shown.version }, (_, index) => index + 1),
        )
      }),
      parametersOf(25),
    )
    // the stories have all of it
    const all = ['done, changed', 'done, unchanged', 'Refused, unchanged', 'stale_version, unchanged']
    expect([...seen]).toEqual(expect.arrayContaining(all))
  }, 120_000)

  it('comes to the same as one after the other when two things are asked at once', async () => {
    const scenario = fc.tuple(
      fc.array(ofWorkflow, { maxLength: 8 }),
      fc.array(fc.tuple(ofWorkflow, ofWorkflow), { minLength: 4, maxLength: 8 }),
    )
    await fc.assert(
      fc.asyncProperty(scenario, async ([before, pairs]) => {
        const life = await newOrder()
        let state = await leadAlone(life, { state: newOrderState(ORDERED), wishes: before })
        for (const wishes of pairs) state = await leadTogether(life, { state, wishes })
        expect(replayed(state)).toBe(state.shown.status)
      }),
      parametersOf(15),
    )
  }, 120_000)
})
