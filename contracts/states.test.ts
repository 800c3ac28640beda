import { describe, expect, it } from 'vitest'
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
})
