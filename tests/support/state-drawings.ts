/**
 * The states as the design draws them, apart from the tables that the code asks: models of tests go by these.
 * `a|b → c → d` leads from a and from b to c, and from c to d.
 */
import type { OrderStatus, ReturnStatus, ShipmentStatus } from '#contracts/states.ts'

export interface Drawing<State extends string> {
  states: State[]
  /** Where one may go from here; nowhere from an end. */
  after(state: State): State[]
  may(from: State, to: State): boolean
  /** Whether each of these follows from the one before. */
  leads(states: readonly State[]): boolean
}

function read<State extends string>(drawing: string): Drawing<State> {
  const moves = new Map<State, Set<State>>()
  const from = (state: State) => moves.get(state) ?? new Set<State>()
  for (const line of drawing.trim().split('\n')) {
    const stops = line.split('→').map((stop) => stop.trim().split('|') as State[])
    for (const [index, here] of stops.entries()) {
      for (const state of here) moves.set(state, new Set([...from(state), ...(stops[index + 1] ?? [])]))
    }
  }
  return {
    states: [...moves.keys()],
    after: (state) => [...from(state)],
    may: (state, to) => from(state).has(to),
    leads: (states) => states.every((to, index) => index === 0 || from(states[index - 1]!).has(to)),
  }
}

export const ORDER_DRAWING = read<OrderStatus>(`
  placed → reserving → authorizing → confirmed → fulfilling → completed
  reserving|authorizing → awaiting_customer → reserving|authorizing
  confirmed → amending → confirmed
  placed|reserving|awaiting_customer|authorizing → rejected
  placed|reserving|awaiting_customer|authorizing|confirmed|amending|fulfilling → cancelling → cancelled
  cancelling → fulfilling`)

export const SHIPMENT_DRAWING = read<ShipmentStatus>(`
  pending → booked → dispatched → delivered|lost
  pending|booked → cancelled`)

export const RETURN_DRAWING = read<ReturnStatus>(`
  requested → approved → received → refunded
  requested → rejected
  requested|approved → cancelled`)
