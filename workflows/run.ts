/** What the parts of the order's saga share: its input, its tools, and what has become of the order so far. */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import {
  shipmentIdOf,
  type OrderInput,
  type OrderResume,
  type OrderState,
  type RejectionReason,
} from '#contracts/workflows.ts'
import { acceptAmendments, type Amendments } from './amendment-queue.ts'
import { acceptCancellation, type Cancellation } from './cancellation.ts'
import { acceptAnswers, type Customer } from './customer.ts'
import { createJournal, type Journal } from './journal.ts'
import { progress } from './messages.ts'
import { createOperator, type Operator } from './operator.ts'
import { planParcels, type Parcel } from './parcels.ts'
import { createSaga, type Saga } from './saga.ts'

export interface OrderRun {
  readonly input: OrderInput
  readonly state: OrderState
  readonly journal: Journal
  readonly operator: Operator
  readonly cancellation: Cancellation
  readonly customer: Customer
  readonly amendments: Amendments
  readonly saga: Saga
}

export interface Rejection {
  code: RejectionReason
  message: string
}

/** A tombstone answered: somebody undid this order's work while it was under way. */
export const undoneElsewhere = (what: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`The order's ${what} was undone while it was under way.`)

/** Sets every handler at once, so that a message that comes with the start finds its own. */
export function openRun(input: OrderInput): OrderRun {
  const state: OrderState = input.resume?.state ?? {
    terms: pick(input),
    allocations: [],
    paymentMethod: input.paymentMethod,
    requests: { reservation: 1, payment: 1, revision: 0, screening: 1 },
    authorizedBy: 1,
    authorized: 0,
    counted: input.total,
    holdEnds: null,
    authorizationEnds: null,
  }
  const journal = createJournal(input)
  const operator = createOperator(journal, input.policy.compensationAttempts)
  const cancellation = acceptCancellation(journal)
  setHandler(progress, () => ({
    status: journal.status,
    step: journal.step,
    attention: journal.attention,
    waitingFor: journal.waitingFor,
    parcels: state.allocations,
  }))
  return {
    input,
    state,
    journal,
    operator,
    cancellation,
    customer: acceptAnswers(cancellation),
    amendments: acceptAmendments(journal, cancellation),
    saga: createSaga({
      onOutcome: (outcome) => journal.note(outcome),
      checkpoint: () => cancellation.checkpoint(),
      operator,
    }),
  }
}

const pick = ({ lines, shipping, shippingTax, total }: OrderInput): OrderState['terms'] => ({
  lines,
  shipping,
  shippingTax,
  total,
})

export type PlannedParcel = Parcel & { shipmentId: string }

/** The parcels that the order's stock makes, with what each costs. */
export const parcelsOf = ({ orderId }: OrderInput, { terms, allocations }: OrderState): PlannedParcel[] =>
  planParcels(terms.lines, allocations).map((parcel, index) => ({
    ...parcel,
    shipmentId: shipmentIdOf(orderId, index),
  }))

/**
 * Continues as a new run when this one's history has grown long. To be called only where the order does nothing but wait;
 * a run that has to answer somebody first, or is being cancelled, goes on.
 */
export async function continueWhenLong(
  run: OrderRun,
  at: Pick<OrderResume, 'point' | 'until'>,
): Promise<void> {
  const { input, state, journal, customer, cancellation, amendments } = run
  const { continueAsNewSuggested, historyLength } = workflowInfo()
  const { continueAfterEvents } = input.policy
  const long =
    continueAfterEvents === undefined ? continueAsNewSuggested : historyLength > continueAfterEvents
  if (!long) return
  await journal.flush()
  // those that are being answered, and neither wait for the order's further way nor change it
  await condition(() => allHandlersFinished() || cancellation.wanted || amendments.next !== undefined)
  if (cancellation.wanted || !allHandlersFinished()) return
  await continueAsNew<(next: OrderInput) => Promise<unknown>>({
    ...input,
    resume: { ...at, stockHeld: customer.stockHeld.rang, state, journal: journal.snapshot() },
  })
}
