/** Carries an attempt to the provider, outside any transaction, and books what came of it under the payment's lock. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import {
  attemptsOf,
  isSettled,
  markAsking,
  markNotSent,
  markSent,
  markSettled,
  markUnknown,
  unsettledOf,
  type Attempt,
  type AttemptOperation,
} from './attempt.ts'
import { outcomeUnknown, paymentInFlight, ProviderUnreachableError } from './failures.ts'
import {
  AUTHENTICATION_REQUIRED,
  authorize,
  bookAuthorization,
  bookRequiredAction,
} from './operations/authorize.ts'
import { capture } from './operations/capture.ts'
import { NOT_EXECUTED, type Operation } from './operations/operation.ts'
import { releaseRest } from './operations/void.ts'
import { lockKnownPayment, type Payment } from './payment.ts'
import type { PaymentProvider, ProviderOutcome } from './providers/provider.ts'

const OPERATIONS: Record<AttemptOperation, Operation> = { authorize, capture, void: releaseRest }

/** Before its key is forgotten there, an attempt is not repeated any more: the clocks are not the same. */
const KEY_MARGIN_SECONDS = 300

export interface Timings {
  /** How long a call to the provider takes at the most. */
  timeoutMs: number
  /** How much longer an attempt counts as in flight. */
  marginMs: number
}

export interface PaymentsDependencies {
  transact: UnitOfWork<Sql>
  provider: PaymentProvider
  timings: Timings
}

/** The right to carry one attempt: to send it first, or to find out what became of it. */
export interface Ticket {
  payment: Payment
  attempt: Attempt
  asking: boolean
}

export type SettledAttempt = Attempt & { status: 'succeeded' | 'declined' }

/** Takes an attempt that may be sent; call it under the payment's lock. */
export async function takeToSend(
  tx: Sql,
  payment: Payment,
  attempt: Attempt,
  timings: Timings,
): Promise<Ticket> {
  await markSent(tx, attempt, timings.timeoutMs + timings.marginMs)
  return { payment, attempt, asking: false }
}

/**
 * Takes the payment's attempt whose outcome is open, if there is one.
 *
 * @throws ApplicationFailure PaymentInFlight while somebody waits for it
 */
export async function takeUnsettled(
  tx: Sql,
  payment: Payment,
  attempts: readonly Attempt[],
  timings: Timings,
): Promise<Ticket | undefined> {
  const attempt = unsettledOf(attempts)
  if (attempt === undefined) return undefined
  if (attempt.inFlight) throw paymentInFlight(attempt.key)
  // asking may take two calls: reading, and the repeated one
  await markAsking(tx, attempt, 2 * timings.timeoutMs + timings.marginMs)
  return { payment, attempt, asking: true }
}

export function createExecuteAttempt({ transact, provider }: PaymentsDependencies) {
  /**
   * Sends an attempt, or asks what became of it and repeats it with the same key while the provider knows that key.
   *
   * @param repeat false where an authorization that the provider has never heard of is no longer wanted
   * @throws ApplicationFailure PaymentOutcomeUnknown, or ProviderUnreachableError when nothing was sent
   */
  return async function executeAttempt(ticket: Ticket, { repeat = true } = {}): Promise<SettledAttempt> {
    const { payment, attempt, asking } = ticket
    const operation = OPERATIONS[attempt.operation]
    const outcome = asking
      ? await ask(operation, ticket, repeat)
      : await operation.send(provider, payment, attempt)
    const settled = await transact((tx) => book(tx, payment.orderId, attempt, outcome))
    if (settled !== undefined) return settled
    if (outcome.outcome === 'not_sent') {
      throw new ProviderUnreachableError(`${attempt.key} was not sent`, { cause: outcome.cause })
    }
    throw outcomeUnknown(attempt.key, outcome.outcome === 'unknown' ? outcome.cause : outcome.outcome)
  }

  async function ask(
    operation: Operation,
    { payment, attempt }: Ticket,
    repeat: boolean,
  ): Promise<ProviderOutcome> {
    try {
      const seen = await operation.read(provider, payment, attempt)
      if (seen.outcome !== 'absent' && seen.outcome !== 'unreadable') return seen
      if (seen.outcome === 'absent' && !repeat && attempt.operation === 'authorize') {
        return { outcome: 'declined', code: NOT_EXECUTED }
      }
    } catch (cause) {
      return { outcome: 'unknown', cause }
    }
    const keyLifetime = provider.capabilities.keyLifetimeHours * 3600 - KEY_MARGIN_SECONDS
    if ((attempt.ageSeconds ?? 0) < keyLifetime) return operation.send(provider, payment, attempt)
    return { outcome: 'unknown', cause: new Error('its key is too old to be repeated') }
  }
}

/** Only looks at the provider's state of an attempt that may be in flight, and books what that says. */
export async function settleByReading(
  { transact, provider }: PaymentsDependencies,
  payment: Payment,
  attempt: Attempt,
) {
  const seen = await OPERATIONS[attempt.operation].read(provider, payment, attempt)
  if (seen.outcome === 'absent' || seen.outcome === 'unreadable') return
  await transact((tx) => book(tx, payment.orderId, attempt, seen))
}

/** Books an outcome once; answers the attempt when it is settled, by us or by somebody before us. */
async function book(
  tx: Sql,
  orderId: string,
  { id }: Attempt,
  outcome: ProviderOutcome,
): Promise<SettledAttempt | undefined> {
  const payment = await lockKnownPayment(tx, orderId)
  const attempt = (await attemptsOf(tx, payment.id)).find((each) => each.id === id)
  if (attempt === undefined) throw new Error(`attempt ${id} is gone`)
  if (isSettled(attempt)) {
    await bookLateAuthorization(tx, payment, attempt, outcome)
    return settledAs(attempt, attempt.status === 'succeeded' ? 'succeeded' : 'declined', attempt.errorCode)
  }
  if (outcome.outcome === 'unknown') await markUnknown(tx, attempt)
  else if (outcome.outcome === 'not_sent') await markNotSent(tx, attempt)
  else return settle(tx, payment, attempt, outcome)
  return undefined
}

type FinalOutcome = Exclude<ProviderOutcome, { outcome: 'unknown' | 'not_sent' }>

async function settle(
  tx: Sql,
  payment: Payment,
  attempt: Attempt,
  outcome: FinalOutcome,
): Promise<SettledAttempt> {
  const operation = OPERATIONS[attempt.operation]
  if (outcome.outcome === 'succeeded') {
    await markSettled(tx, attempt, 'succeeded')
    await operation.bookSuccess(tx, payment, attempt, outcome.authorization)
    return settledAs(attempt, 'succeeded', null)
  }
  const code = outcome.outcome === 'declined' ? outcome.code : AUTHENTICATION_REQUIRED
  await markSettled(tx, attempt, 'declined', code)
  if (outcome.outcome === 'declined') await operation.bookRefusal(tx, payment, attempt, code)
  else await bookRequiredAction(tx, payment, outcome.authorization)
  return settledAs(attempt, 'declined', code)
}

const settledAs = (
  attempt: Attempt,
  status: SettledAttempt['status'],
  errorCode: string | null,
): SettledAttempt => ({ ...attempt, status, errorCode })

/** An authorization that was given up as never made has been made after all: it is booked, to be released. */
export async function bookLateAuthorization(
  tx: Sql,
  payment: Payment,
  attempt: Attempt,
  outcome: ProviderOutcome,
): Promise<void> {
  const givenUp =
    attempt.operation === 'authorize' && attempt.status === 'declined' && payment.authorized === 0
  if (givenUp && outcome.outcome === 'succeeded')
    await bookAuthorization(tx, payment, attempt, outcome.authorization)
}
