import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parametersOf } from '#tests/support/property.ts'
import {
  ORDER_DRAWING,
  RETURN_DRAWING,
  SHIPMENT_DRAWING,
  type Drawing,
} from '#tests/support/state-drawings.ts'
import {
  ATTEMPT,
  isTerminal,
  mayMove,
  ORDER,
  PAYMENT,
  RESERVATION,
  RETURN,
  SHIPMENT,
  statesOf,
} from './states.ts'

const MACHINES: Record<string, { initial: string; transitions: Record<string, readonly string[]> }> = {
  ORDER,
  PAYMENT,
  ATTEMPT,
  RESERVATION,
  SHIPMENT,
  RETURN,
}
const TERMINAL: Record<string, string[]> = {
  ORDER: ['completed', 'rejected', 'cancelled'],
  PAYMENT: ['refunded', 'voided', 'failed'],
  ATTEMPT: ['succeeded', 'declined'],
  RESERVATION: ['shipped', 'released', 'expired'],
  SHIPMENT: ['delivered', 'lost', 'cancelled'],
  RETURN: ['refunded', 'rejected', 'cancelled'],
}

function reachableFrom(transitions: Record<string, readonly string[]>, start: string): Set<string> {
  const seen = new Set([start])
  for (const state of seen) for (const next of transitions[state] ?? []) seen.add(next)
  return seen
}

describe.each(Object.entries(MACHINES))('%s', (name, { initial, transitions }) => {
  const machine = { transitions }

  it('reaches every state from the initial one, and no state that is not in the table', () => {
    expect([...reachableFrom(transitions, initial)].toSorted()).toEqual(statesOf(machine).toSorted())
  })

  it('ends in exactly its terminal states', () => {
    expect(
      statesOf(machine)
        .filter((state) => isTerminal(machine, state))
        .toSorted(),
    ).toEqual(TERMINAL[name]!.toSorted())
  })

  it('lets nothing follow a terminal state', () => {
    for (const from of TERMINAL[name]!) {
      for (const to of statesOf(machine)) expect(mayMove(machine, from, to)).toBe(false)
    }
  })

  it('can end from wherever it is', () => {
    for (const state of statesOf(machine)) {
      const ends = [...reachableFrom(transitions, state)].filter((end) => TERMINAL[name]!.includes(end))
      expect(ends).not.toEqual([])
    }
  })

  it('moves from no state to itself', () => {
    for (const state of statesOf(machine)) expect(mayMove(machine, state, state)).toBe(false)
  })

  it('is never left once it has ended, and never lost for good, wherever a random walk goes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 60 }), fc.nat(), (turns, wish) => {
        let state = initial
        for (const turn of turns) {
          const next = transitions[state]!
          if (isTerminal(machine, state)) {
            const states = statesOf(machine)
            expect(mayMove(machine, state, states[wish % states.length]!)).toBe(false)
            break
          }
          state = next[turn % next.length]!
        }
        expect(stepsToEnd(transitions, state)).toBeLessThan(statesOf(machine).length)
      }),
      parametersOf(200),
    )
  })
})

/** How many moves the nearest end is away; endless where none can be reached. */
function stepsToEnd(transitions: Record<string, readonly string[]>, start: string): number {
  let here = new Set([start])
  for (let steps = 0; steps <= Object.keys(transitions).length; steps++) {
    if ([...here].some((state) => transitions[state]!.length === 0)) return steps
    here = new Set([...here].flatMap((state) => transitions[state]!))
  }
  return Infinity
}

describe('the tables', () => {
  it.each<[string, { transitions: Readonly<Record<string, readonly string[]>> }, Drawing<string>]>([
    ['orders', ORDER, ORDER_DRAWING],
    ['shipments', SHIPMENT, SHIPMENT_DRAWING],
    ['returns', RETURN, RETURN_DRAWING],
  ])('of %s are what the design draws', (_what, { transitions }, drawing) => {
    const drawn = drawing.states.map((state) => [state, drawing.after(state).toSorted()])
    const written = Object.entries(transitions).map(([state, next]) => [state, next.toSorted()])
    expect(Object.fromEntries(drawn)).toEqual(Object.fromEntries(written))
  })
})
