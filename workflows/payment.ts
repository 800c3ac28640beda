/** The order's money: authorized at once, or after the customer has approved it at the bank or given another method. */
import type { PaymentRequest, AuthorizationResult } from '#activities/payments.ts'
import { formatMoney } from '#contracts/money.ts'
import type { OrderState } from '#contracts/workflows.ts'
import { asDuty, asStep, inventory, payments } from './doors.ts'
import { parcelsOf, undoneElsewhere, type OrderRun, type Rejection } from './run.ts'
import type { Step } from './saga.ts'
import { inSeconds, isPast, waitUntil } from './waits.ts'

/** A hold is kept for so long after the customer's time is up: for what is done then. */
const HOLD_MARGIN_SECONDS = 15 * 60

/** Resolves when the money is authorized, or with why it is not to be. */
export async function securePayment(run: OrderRun): Promise<Rejection | undefined> {
  const { input, state, journal, saga } = run
  await journal.enter('authorizing', 'authorizePayment')
  let result = await approved(run, saga.run(authorizePayment(run)))
  for (let tries = 1; result?.outcome === 'declined'; tries++) {
    if (tries >= (input.policy.waits?.paymentTries ?? 1)) {
      return { code: 'declined', message: `The payment was declined (${result.code}).` }
    }
    const method = await askForMethod(run)
    if (method === undefined) return tooLate
    state.paymentMethod = method
    state.requests.payment += 1
    await journal.enter('authorizing', 'authorizePayment')
    result = await approved(run, saga.run(authorizeAgain(run)))
  }
  if (result === undefined) return tooLate
  if (result.outcome === 'voided') throw undoneElsewhere('payment')
  keep(state, result)
  return undefined
}

const tooLate: Rejection = { code: 'expired', message: 'The payment was not approved in time.' }

/** Notes that the last request's authorization is the order's. */
export function keep(state: OrderState, result: Settled): void {
  state.authorizedBy = state.requests.payment
  state.authorized = state.terms.total
  state.capturedOnce = result.outcome === 'authorized' && result.capturedOnce === true
  state.authorizationEnds = (result.outcome === 'authorized' ? result.expiresAt : undefined) ?? null
}

type Outcome = Exclude<AuthorizationResult, { outcome: 'requires_action' }>
type Settled = Extract<AuthorizationResult, { outcome: 'authorized' | 'not_required' }>

/** The answer once the customer has approved the payment where that is needed; undefined when that takes too long. */
async function approved(run: OrderRun, asked: Promise<AuthorizationResult>): Promise<Outcome | undefined> {
  const { customer, journal, saga } = run
  let result = await asked
  const until = inSeconds(run.input.policy.waits?.paymentSeconds ?? 0)
  while (result.outcome === 'requires_action') {
    if (isPast(until)) return undefined
    await extendHold(run, until)
    const { url } = result
    await journal.enter('awaiting_customer', 'awaitApproval', {
      waitingFor: { what: 'payment_action', until, url },
    })
    await waitUntil(until, () => customer.paymentSettled.rang, 'approval of the payment')
    customer.paymentSettled.forget()
    await journal.enter('authorizing', 'authorizePayment')
    // also at the end: the approval may have come before the word of it
    result = await saga.run(authorizeAgain(run))
  }
  return result
}

async function askForMethod(run: OrderRun): Promise<string | undefined> {
  const until = inSeconds(run.input.policy.waits?.paymentSeconds ?? 0)
  await extendHold(run, until)
  const move = { waitingFor: { what: 'payment_method' as const, until } }
  await run.journal.enter('awaiting_customer', 'awaitPaymentMethod', move)
  return run.customer.paymentMethod(until)
}

/** Sees to it that the stock is still held when the customer's time is up. */
async function extendHold({ input, state, saga }: OrderRun, until: string): Promise<void> {
  const needed = new Date(Date.parse(until) + HOLD_MARGIN_SECONDS * 1000).toISOString()
  if (state.holdEnds === null || !(Date.parse(state.holdEnds) < Date.parse(needed))) return
  const { orderId, policy } = input
  await saga.run({
    name: 'extendReservation',
    execute: () =>
      inventory('hold the stock for longer', asStep(policy)).extendReservation({ orderId, until: needed }),
    compensate: { coveredBy: 'reserveInventory' },
  })
  state.holdEnds = needed
}

/** The order's first request; its compensation undoes every later one too. */
export const authorizePayment = (run: OrderRun): Step<AuthorizationResult> => ({
  name: 'authorizePayment',
  execute: () => authorize(run),
  refusal,
  compensate: () =>
    payments('void the payment', asDuty(run.input.policy)).voidPayment({ orderId: run.input.orderId }),
})

const authorizeAgain = (run: OrderRun): Step<AuthorizationResult> => ({
  name: 'authorizePayment',
  execute: () => authorize(run),
  refusal,
  compensate: { coveredBy: 'authorizePayment' },
})

const refusal = (result: AuthorizationResult): string | undefined =>
  result.outcome === 'declined' ? result.code : undefined

function authorize({ input, state }: OrderRun): Promise<AuthorizationResult> {
  const { currency, policy } = input
  const { total } = state.terms
  const { authorizePayment: ask } = payments(`authorize ${formatMoney(total, currency)}`, asStep(policy))
  return ask(authorizationOf(input, state))
}

/** What each parcel costs; the first one carries the shipping. */
export const partsOf = (input: OrderRun['input'], state: OrderState): NonNullable<PaymentRequest['parts']> =>
  parcelsOf(input, state).map(({ shipmentId, amount }, index) => ({
    shipmentId,
    amount: amount + (index === 0 ? state.terms.shipping + state.terms.shippingTax : 0),
  }))

/** What is asked for: the whole total, and how it divides into parcels where they are known. */
export function authorizationOf(
  input: OrderRun['input'],
  state: OrderState,
  parts = partsOf(input, state),
): PaymentRequest {
  const { orderId, customerId, currency } = input
  const { terms, paymentMethod, requests } = state
  return {
    orderId,
    customerId,
    amount: terms.total,
    currency,
    paymentMethod,
    request: requests.payment,
    ...(parts.length === 0 ? {} : { parts }),
  }
}
