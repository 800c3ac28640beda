/**
 * The states of everything that has a life, and the only moves between them. Code asks `mayMove` before it writes;
 * `states.test.ts` checks that every state is reachable and that terminal states are final.
 */
type Transitions<State extends string> = Readonly<Record<State, readonly NoInfer<State>[]>>

const table = <State extends string>(initial: NoInfer<State>, transitions: Transitions<State>) => ({
  initial,
  transitions,
})

export const ORDER = table('placed', {
  placed: ['reserving', 'rejected', 'cancelling'],
  reserving: ['authorizing', 'awaiting_customer', 'rejected', 'cancelling'],
  awaiting_customer: ['reserving', 'authorizing', 'rejected', 'cancelling'],
  authorizing: ['confirmed', 'awaiting_customer', 'rejected', 'cancelling'],
  confirmed: ['fulfilling', 'amending', 'cancelling'],
  amending: ['confirmed', 'cancelling'],
  fulfilling: ['completed', 'cancelling'],
  cancelling: ['cancelled', 'fulfilling'],
  completed: [],
  rejected: [],
  cancelled: [],
})

/** Derived from a payment's sums. */
export const PAYMENT = table('created', {
  created: ['requires_action', 'processing', 'authorized', 'failed', 'voided', 'not_required'],
  // the customer refused: another payment method may come
  requires_action: ['created', 'processing', 'authorized', 'failed', 'voided'],
  processing: ['created', 'requires_action', 'authorized', 'failed', 'voided'],
  authorized: ['partially_captured', 'captured', 'voided', 'expired'],
  partially_captured: ['captured', 'partially_refunded', 'refunded'],
  // what had expired was authorized anew
  captured: ['partially_captured', 'partially_refunded', 'refunded'],
  partially_refunded: ['refunded'],
  refunded: [],
  // an amendment may cost something
  not_required: ['authorized', 'voided'],
  expired: ['created', 'requires_action', 'processing', 'authorized', 'voided', 'failed'],
  voided: [],
  failed: [],
})

export const ATTEMPT = table('created', {
  // declined without being sent where nobody wants it any more
  created: ['sent', 'declined'],
  // back to created when it turns out that it never left the process: the same key is sent again
  sent: ['created', 'succeeded', 'declined', 'unknown'],
  unknown: ['succeeded', 'declined'],
  succeeded: [],
  declined: [],
})

export const RESERVATION = table('requested', {
  // while the first request is being answered; never stored. What replaces a lost parcel is committed at once
  requested: ['held', 'committed', 'backordered', 'refused', 'released'],
  // a later request may be answered otherwise
  refused: ['held', 'committed', 'backordered', 'released'],
  backordered: ['held', 'released', 'expired'],
  held: ['committed', 'released', 'expired'],
  committed: ['shipped', 'released'],
  shipped: [],
  released: [],
  expired: [],
})

export const SHIPMENT = table('pending', {
  pending: ['booked', 'cancelled'],
  booked: ['dispatched', 'cancelled'],
  dispatched: ['delivered', 'lost'],
  delivered: [],
  lost: [],
  cancelled: [],
})

export const RETURN = table('requested', {
  requested: ['approved', 'rejected', 'cancelled'],
  approved: ['received', 'cancelled'],
  received: ['refunded'],
  refunded: [],
  rejected: [],
  cancelled: [],
})

export type OrderStatus = keyof typeof ORDER.transitions
export type PaymentStatus = keyof typeof PAYMENT.transitions
export type AttemptStatus = keyof typeof ATTEMPT.transitions
export type ReservationStatus = keyof typeof RESERVATION.transitions
export type ShipmentStatus = keyof typeof SHIPMENT.transitions
export type ReturnStatus = keyof typeof RETURN.transitions

/** Whether the table lets something in state `from` go to state `to`. */
export function mayMove<State extends string>(
  machine: { transitions: Transitions<State> },
  from: State,
  to: State,
): boolean {
  return machine.transitions[from].includes(to)
}

/** Whether nothing follows this state. */
export function isTerminal<State extends string>(
  machine: { transitions: Transitions<State> },
  state: State,
): boolean {
  return machine.transitions[state].length === 0
}

/** The states of a table, typed, for schemas: `Type.Enum(statesOf(ORDER))`. */
export function statesOf<State extends string>(machine: { transitions: Transitions<State> }): State[] {
  const isState = (key: string): key is State => key in machine.transitions
  return Object.keys(machine.transitions).filter(isState)
}

/** Why an order is rejected. A customer's e-mail has words for each, or says nothing of it (order-rejected.ts). */
export const REJECTION_REASONS = ['out_of_stock', 'declined', 'expired', 'fraud', 'technical'] as const
