/**
 * One change of a confirmed order, all or nothing: the new money is authorized, the new stock reserved, and only then is
 * the order another one. Up to the reservation everything can be undone; after it nothing is left that may be refused, so
 * the rest goes forward, with an operator where it must be.
 */
import type { ReserveResult } from '#activities/inventory.ts'
import type { AmendmentQuote } from '#activities/orders.ts'
import type { AuthorizeResult, PaymentPart } from '#activities/payments.ts'
import { ActivityFailure, ApplicationFailure, CancellationScope } from '@temporalio/workflow'
import { formatMoney } from '#contracts/money.ts'
import type { AmendResult, OrderState, OrderTerms } from '#contracts/workflows.ts'
import { asDuty, asStep, inventory, orders, payments } from './doors.ts'
import { notAmendable } from './amendment-queue.ts'
import { authorizationOf, keep, partsOf } from './payment.ts'
import { reasonOf } from './reason.ts'
import type { OrderRun } from './run.ts'
import { createSaga, type Saga, type Step } from './saga.ts'

type Refused = Extract<AmendResult, { outcome: 'refused' }>
type Quote = Extract<AmendmentQuote, { outcome: 'possible' }>

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
  run.journal.note({ name: 'amendOrder', status: 'refused', detail: code })
  await run.operator.insist({ step: 'amendOrder', operation: 'refuseAmendment' }, () =>
    orders('the amendment is refused', asDuty(policy)).refuseAmendment({
      orderId,
      amendmentId,
      code,
      message,
    }),
  )
}

async function change(run: OrderRun, amendmentId: string): Promise<Refused | undefined> {
  const { journal, operator, state } = run
  const saga = createSaga({
    onOutcome: (outcome) => journal.note(outcome),
    checkpoint: () => Promise.resolve(), // a cancellation waits until the order is one or the other
    operator,
  })
  const before = { ...state }
  let refused: Refused | undefined
  try {
    refused = await prepare(run, amendmentId, saga)
  } catch (error) {
    if (!(error instanceof ActivityFailure || error instanceof ApplicationFailure)) throw error
    refused = refusal('amendment_refused', `The change could not be made: ${reasonOf(error)}`)
  }
  if (refused === undefined) return complete(run, amendmentId, before)
  const { requests, allocations } = state
  Object.assign(state, before, { requests, allocations })
  await saga.compensate()
  return refused
}

const refusal = (code: string, message: string): Refused => ({ outcome: 'refused', code, message })

/** Everything that may be refused. What it leaves in the state holds only when nothing was. */
async function prepare(run: OrderRun, amendmentId: string, saga: Saga): Promise<Refused | undefined> {
  const { state } = run
  const quote = await saga.run(quoteAmendment(run, amendmentId))
  if (quote.outcome === 'refused') return quote
  const before = { ...state }
  state.terms = quote.terms
  // other lines may make other parcels, which only their reservation will tell
  const parts = quote.linesChanged ? [] : partsOf(run.input, state)
  if (quote.terms.total > before.authorized) {
    const refused = await authorize(run, before, saga, parts)
    if (refused !== undefined) return refused
  }
  if (quote.linesChanged) {
    state.requests = { ...state.requests, reservation: state.requests.reservation + 1 }
    const result = await saga.run(reserveAmendment(run, before, quote))
    if (result.outcome !== 'held') {
      const short = result.outcome === 'released' ? [] : result.shortages
      return refusal('insufficient_stock', `Not enough stock of ${short.map(({ sku }) => sku).join(', ')}.`)
    }
    state.allocations = result.allocations
    const parcels = partsOf(run.input, state)
    const authorized = state.authorizedBy === before.authorizedBy ? partsOf(run.input, before) : []
    if (state.capturedOnce && !areCovered(parcels, authorized)) return authorize(run, before, saga, parcels)
  }
  return undefined
}

/** Whether what is authorized for each parcel, or for the only one without naming it, is enough. */
function areCovered(parcels: readonly PaymentPart[], authorized: readonly PaymentPart[]): boolean {
  if (authorized.length === 0) return parcels.length <= 1
  const shares = new Map(authorized.map(({ shipmentId, amount }) => [shipmentId, amount]))
  return parcels.every(({ shipmentId, amount }) => amount <= (shares.get(shipmentId) ?? 0))
}

/** Authorizes the whole new total by a further request; what it answers holds only when nothing is refused. */
async function authorize(
  run: OrderRun,
  before: OrderState,
  saga: Saga,
  parts: PaymentPart[],
): Promise<Refused | undefined> {
  const { state } = run
  state.requests = { ...state.requests, payment: state.requests.payment + 1 }
  const result = await saga.run(authorizeAmendment(run, before, parts))
  if (result.outcome !== 'authorized' && result.outcome !== 'not_required')
    return refusal('amendment_refused', `The payment of the change was refused (${codeOf(result)}).`)
  keep(state, result)
  return undefined
}

/** Nothing of this may be refused any more: it is done until it is done. */
async function complete(run: OrderRun, amendmentId: string, before: OrderState): Promise<undefined> {
  const { input, state, journal, operator } = run
  const { orderId, policy } = input
  await operator.insist({ step: 'amendOrder', operation: 'applyAmendment' }, () =>
    orders('the order is another one now', asDuty(policy)).applyAmendment({ orderId, amendmentId }),
  )
  journal.note({ name: 'amendOrder', status: 'completed', detail: null })
  journal.reprice(state.terms.total)
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
  compensate: { nothingToUndo: 'a quote changes nothing' },
})

const codeOf = (result: Exclude<AuthorizeResult, { outcome: 'authorized' | 'not_required' }>): string =>
  result.outcome === 'declined' ? result.code : result.outcome

/** The whole new total, beside the old authorization, which is voided only when the change is made. */
const authorizeAmendment = (
  { input, state }: OrderRun,
  before: OrderState,
  parts: PaymentPart[],
): Step<AuthorizeResult> => ({
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

const reserveAmendment = (
  { input, state }: OrderRun,
  before: OrderState,
  { terms }: Quote,
): Step<ReserveResult> => {
  const { orderId, policy } = input
  let refused = false
  const reserve = (lines: OrderTerms['lines'], retry: ReturnType<typeof asStep>): Promise<ReserveResult> =>
    inventory(`hold ${lines.length} lines instead`, retry).reserveInventory({
      orderId,
      lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
      onShortage: 'refuse',
      request: state.requests.reservation,
    })
  return {
    name: 'reserveAmendment',
    execute: () => reserve(terms.lines, asStep(policy)),
    refusal: ({ outcome }) => {
      refused = outcome !== 'held'
      return refused ? outcome : undefined
    },
    // nobody knows whether the new lines are held: the old ones are asked for again, by a request that comes after
    async compensate() {
      if (refused) return
      state.requests = { ...state.requests, reservation: state.requests.reservation + 1 }
      const result = await reserve(before.terms.lines, asDuty(policy))
      if (result.outcome !== 'held') {
        throw ApplicationFailure.nonRetryable(
          'What the order had before the change is not in stock any more.',
        )
      }
      state.allocations = result.allocations
    },
  }
}
