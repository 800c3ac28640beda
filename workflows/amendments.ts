/**
 * One change of a confirmed order, all or nothing: the new stock is reserved, the new money authorized, and only then is
 * the order another one. Up to the authorization everything can be undone; after it nothing is left that may be refused, so
 * the rest goes forward, with an operator where it must be.
 */
import type { StockAnswer } from '#activities/inventory.ts'
import type { AmendmentQuote } from '#activities/orders.ts'
import type { AuthorizationResult, PaymentPart } from '#activities/payments.ts'
import { ActivityFailure, ApplicationFailure, CancellationScope, patched } from '@temporalio/workflow'
import { formatMoney } from '#contracts/money.ts'
import type { AmendResult, OrderState } from '#contracts/workflows.ts'
import { asDuty, asStep, orders, payments } from './doors.ts'
import { notAmendable } from './amendment-queue.ts'
import { keepReservation, leavesSurplus, reserveAmendment } from './amendment-stock.ts'
import { authorizationOf, keep, partsOf } from './payment.ts'
import { reasonOf } from './reason.ts'
import { undoneElsewhere, type OrderRun } from './run.ts'
import { createSaga, type Saga, type Step } from './saga.ts'
import { STEPS } from './steps.ts'
import { countAtMost, needsScreening, screenAmendment } from './spending.ts'

type Refused = Extract<AmendResult, { outcome: 'refused' }>

/** Does the first amendment that waits. A cancellation that comes meanwhile takes effect afterwards. */
export async function amendOrder(run: OrderRun, amendmentId: string): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    await run.journal.enter('amending', 'amendOrder')
    const refused = await change(run, amendmentId)
    if (refused !== undefined) await refuse(run, amendmentId, refused)
    await run.journal.enter('confirmed', 'awaitAmendments')
    run.amendments.settle(refused ?? { outcome: 'applied' })
  })
}

/** Refuses the amendments that came too early for an order that came to nothing. */
export async function refuseAmendments(run: OrderRun): Promise<void> {
  run.amendments.close()
  for (let next = run.amendments.next; next !== undefined; next = run.amendments.next) {
    const refused = notAmendable(run.journal.status)
    await refuse(run, next.amendmentId, refused)
    run.amendments.settle(refused)
  }
}

async function refuse(run: OrderRun, amendmentId: string, { code, message }: Refused): Promise<void> {
  const { orderId, policy } = run.input
  run.journal.note({ name: 'amendOrder', status: 'refused', detail: message })
  await run.operator.insist({ step: 'amendOrder', operation: 'refuseAmendment' }, () =>
    orders('the amendment is refused', asDuty(policy)).refuseAmendment({
      orderId,
      amendmentId,
      code,
      message,
    }),
  )
}

/** A change that is being made. */
interface Attempt {
  run: OrderRun
  saga: Saga
  /** The order as it was. */
  before: OrderState
  /** More is promised than the order is to have. */
  surplus: boolean
}

async function change(run: OrderRun, amendmentId: string): Promise<Refused | undefined> {
  const { journal, operator, state } = run
  const saga = createSaga({
    onOutcome: (outcome) => journal.note(outcome),
    checkpoint: () => Promise.resolve(), // a cancellation waits until the order is one or the other
    operator,
  })
  const before = { ...state }
  const attempt: Attempt = { run, saga, before, surplus: false }
  let refused: Refused | undefined
  try {
    refused = await prepare(attempt, amendmentId)
  } catch (error) {
    if (!(error instanceof ActivityFailure || error instanceof ApplicationFailure)) throw error
    refused = refusal('amendment_refused', `The change could not be made: ${reasonOf(error)}`)
  }
  if (refused === undefined) return complete(attempt, amendmentId)
  const { requests, allocations } = state
  Object.assign(state, before, { requests, allocations })
  await saga.compensate()
  return refused
}

const refusal = (code: string, message: string): Refused => ({ outcome: 'refused', code, message })

/** Everything that may be refused. What it leaves in the state holds only when nothing was. */
async function prepare(attempt: Attempt, amendmentId: string): Promise<Refused | undefined> {
  const { run, saga } = attempt
  const { input, state } = run
  const quote = await saga.run(quoteAmendment(run, amendmentId))
  if (quote.outcome === 'refused') return quote
  state.terms = quote.terms
  const limited = needsScreening(run) ? await screen(run, saga) : undefined
  if (limited !== undefined) return limited
  if (!quote.linesChanged) return costsMore(attempt) ? authorize(attempt, partsOf(input, state)) : undefined
  // runs from before that troubled the customer's bank for what was not in stock
  return patched('amendments-take-stock-first') ? takeStockFirst(attempt) : takeMoneyFirst(attempt)
}

const costsMore = ({ run, before }: Attempt): boolean => run.state.terms.total > before.authorized

async function takeStockFirst(attempt: Attempt): Promise<Refused | undefined> {
  const { run, saga, before } = attempt
  const { input, state } = run
  const result = await saga.run(reserveAmendment(run, before, { keepsPrevious: true }))
  if (result.outcome !== 'held') return outOfStock(result)
  const { allocations } = result
  const parcels = partsOf(input, { ...state, allocations })
  const fits = state.capturedOnce !== true || areCovered(parcels, partsOf(input, before))
  const refused = costsMore(attempt) || !fits ? await authorize(attempt, parcels) : undefined
  if (refused !== undefined) return refused
  attempt.surplus = leavesSurplus(before.allocations, allocations)
  state.allocations = allocations
  return undefined
}

async function takeMoneyFirst(attempt: Attempt): Promise<Refused | undefined> {
  const { run, saga, before } = attempt
  const { input, state } = run
  // other lines may make other parcels, which only their reservation will tell
  const refused = costsMore(attempt) ? await authorize(attempt, []) : undefined
  if (refused !== undefined) return refused
  const result = await saga.run(reserveAmendment(run, before, { keepsPrevious: false }))
  if (result.outcome !== 'held') return outOfStock(result)
  state.allocations = result.allocations
  const parcels = partsOf(input, state)
  const authorized = state.authorizedBy === before.authorizedBy ? partsOf(input, before) : []
  return state.capturedOnce && !areCovered(parcels, authorized) ? authorize(attempt, parcels) : undefined
}

function outOfStock(result: Exclude<StockAnswer, { outcome: 'held' }>): Refused {
  const short = result.outcome === 'released' ? [] : result.shortages
  return refusal('insufficient_stock', `Not enough stock of ${short.map(({ sku }) => sku).join(', ')}.`)
}

async function screen(run: OrderRun, saga: Saga): Promise<Refused | undefined> {
  const result = await saga.run(screenAmendment(run))
  if (result.outcome === 'released') throw undoneElsewhere('screening')
  if (result.outcome === 'cleared') return undefined
  return result.code === 'spending_limit'
    ? refusal('spending_limit_exceeded', 'The change is more than the customer may spend in 24 hours.')
    : refusal('order_not_amendable', 'The customer’s account is closed.')
}

/** Whether what is authorized for each parcel, or for the only one without naming it, is enough. */
function areCovered(parcels: readonly PaymentPart[], authorized: readonly PaymentPart[]): boolean {
  if (authorized.length === 0) return parcels.length <= 1
  const shares = new Map(authorized.map(({ shipmentId, amount }) => [shipmentId, amount]))
  return parcels.every(({ shipmentId, amount }) => amount <= (shares.get(shipmentId) ?? 0))
}

/** Authorizes the whole new total by a further request; what it answers holds only when nothing is refused. */
async function authorize({ run, saga, before }: Attempt, parts: PaymentPart[]): Promise<Refused | undefined> {
  const { state } = run
  state.requests = { ...state.requests, payment: state.requests.payment + 1 }
  const result = await saga.run(authorizeAmendment(run, before, parts))
  if (result.outcome !== 'authorized' && result.outcome !== 'not_required')
    return refusal('amendment_refused', `The payment of the change was refused (${codeOf(result)}).`)
  keep(state, result)
  return undefined
}

/** Nothing of this may be refused any more: it is done until it is done. */
async function complete({ run, before, surplus }: Attempt, amendmentId: string): Promise<undefined> {
  const { input, state, journal, operator } = run
  const { orderId, policy } = input
  await operator.insist({ step: 'amendOrder', operation: 'applyAmendment' }, () =>
    orders('the order is another one now', asDuty(policy)).applyAmendment({ orderId, amendmentId }),
  )
  journal.note({ name: 'amendOrder', status: 'completed', detail: null })
  journal.reprice(state.terms.total)
  await countAtMost(run, state.terms.total)
  if (surplus) {
    await operator.insist({ step: 'amendOrder', operation: 'keepReservation' }, () => keepReservation(run))
  }
  if (state.authorizedBy === before.authorizedBy) return
  await operator.insist({ step: 'amendOrder', operation: 'keepAuthorization' }, () =>
    payments('void the old authorization', asDuty(policy)).keepAuthorization({
      orderId,
      request: state.authorizedBy,
    }),
  )
}

const quoteAmendment = ({ input }: OrderRun, amendmentId: string): Step<AmendmentQuote> => ({
  name: 'quoteAmendment',
  execute: () =>
    orders('what the change costs', asStep(input.policy)).quoteAmendment({
      orderId: input.orderId,
      amendmentId,
    }),
  refusal: (quote) => (quote.outcome === 'refused' ? quote.code : undefined),
  compensate: STEPS.quoteAmendment.undoneBy,
})

const codeOf = (result: Exclude<AuthorizationResult, { outcome: 'authorized' | 'not_required' }>): string =>
  result.outcome === 'declined' ? result.code : result.outcome

/** The whole new total, beside the old authorization, which is voided only when the change is made. */
const authorizeAmendment = (
  { input, state }: OrderRun,
  before: OrderState,
  parts: PaymentPart[],
): Step<AuthorizationResult> => ({
  name: 'authorizeAmendment',
  execute: () => {
    const { currency, policy } = input
    const { authorizePayment } = payments(
      `authorize ${formatMoney(state.terms.total, currency)}`,
      asStep(policy),
    )
    return authorizePayment(authorizationOf(input, state, parts))
  },
  refusal: (result) =>
    result.outcome === 'authorized' || result.outcome === 'not_required' ? undefined : codeOf(result),
  compensate: () =>
    payments('void the new authorization', asDuty(input.policy)).keepAuthorization({
      orderId: input.orderId,
      request: before.authorizedBy,
      givenUp: state.requests.payment,
    }),
})
