/** Carries an attempt to the provider, outside any transaction, and books what came of it under the payment's lock. */
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import {
  isSettled,
  markAsking,
  markNotSent,
  markSent,
  markSettled,
  markUnknown,
  markWaiting,
  unsettledOf,
  type Attempt,
  type AttemptOperation,
} from '../books/attempt.ts'
import { outcomeUnknown, paymentInFlight, ProviderUnreachableError } from './failures.ts'
import type { Authorization } from '../books/authorization.ts'
import { lockBooks, type Books } from '../books/books.ts'
import { authorize, bookApproval, bookRequiredAction } from './authorize.ts'
import { capture } from './capture.ts'
import { NOT_EXECUTED } from './not-executed.ts'
import type { Operation, Work } from './operation.ts'
import { refund } from './refund.ts'
import { releaseRest } from './void.ts'
import type { PaymentProvider, ProviderOutcome } from '../providers/provider.ts'

const OPERATIONS: Record<AttemptOperation, Operation> = { authorize, capture, void: releaseRest, refund }

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
export interface Ticket extends Work {
  asking: boolean
  /** Whether it may be sent again where the provider has never heard of it. */
  repeat: boolean
}

/** Takes an attempt that may be sent; call it under the payment's lock. */
export async function takeToSend(tx: Sql, books: Books, attempt: Attempt, timings: Timings): Promise<Ticket> {
  await markSent(tx, attempt, timings.timeoutMs + timings.marginMs)
  return { ...workOf(books, attempt), asking: false, repeat: true }
}

/**
 * Takes the payment's attempt whose outcome is open, if there is one.
 *
 * @throws ApplicationFailure PaymentInFlight while somebody waits for it
 */
export async function takeUnsettled(tx: Sql, books: Books, timings: Timings): Promise<Ticket | undefined> {
  const attempt = unsettledOf(books.attempts)
  if (attempt === undefined) return undefined
  if (attempt.inFlight) throw paymentInFlight(attempt.key)
  // asking may take two calls: reading, and the repeated one
  await markAsking(tx, attempt, 2 * timings.timeoutMs + timings.marginMs)
  const work = workOf(books, attempt)
  const unwanted = books.payment.tombstone || work.authorization.standing === 'superseded'
  const repeat = !attempt.givenUp && (attempt.operation !== 'authorize' || !unwanted)
  return { ...work, asking: true, repeat }
}

/** An attempt with what it is about. */
export function workOf({ payment, authorizations }: Books, attempt: Attempt): Work {
  const authorization = authorizations.find(({ id }) => id === attempt.authorizationId)
  if (authorization === undefined) throw new Error(`${attempt.key} is about no authorization`)
  return { payment, authorization, attempt }
}

export function createExecuteAttempt({ transact, provider }: PaymentsDependencies) {
  /**
   * Sends an attempt, or asks what became of it and repeats it with the same key while the provider knows that key. The
   * answer is settled, or waits for the customer.
   *
   * @throws ApplicationFailure PaymentOutcomeUnknown, or ProviderUnreachableError when nothing was sent
   */
  return async function executeAttempt(ticket: Ticket): Promise<Attempt> {
    const { payment, attempt, asking } = ticket
    const operation = OPERATIONS[attempt.operation]
    const outcome = asking ? await ask(operation, ticket) : await operation.send(provider, ticket)
    const settled = await transact((tx) => book(tx, payment.orderId, attempt, outcome))
    if (settled !== undefined) return settled
    if (outcome.outcome === 'not_sent') {
      throw new ProviderUnreachableError(`${attempt.key} was not sent`, { cause: outcome.cause })
    }
    throw outcomeUnknown(attempt.key, outcome.outcome === 'unknown' ? outcome.cause : outcome.outcome)
  }

  async function ask(operation: Operation, ticket: Ticket): Promise<ProviderOutcome> {
    const { attempt, repeat } = ticket
    try {
      const seen = await operation.read(provider, ticket)
      if (seen.outcome !== 'absent' && seen.outcome !== 'unreadable') return seen
      if (seen.outcome === 'absent' && !repeat) return { outcome: 'declined', code: NOT_EXECUTED }
    } catch (cause) {
      return { outcome: 'unknown', cause }
    }
    const keyLifetime = provider.capabilities.keyLifetimeHours * 3600 - KEY_MARGIN_SECONDS
    if ((attempt.ageSeconds ?? 0) < keyLifetime) return operation.send(provider, ticket)
    return { outcome: 'unknown', cause: new Error('its key is too old to be repeated') }
  }
}

/** Only looks at the provider's state of an attempt that may be in flight, and books what that says. */
export async function settleByReading(
  { transact, provider }: PaymentsDependencies,
  work: Work,
): Promise<Attempt | undefined> {
  const seen = await OPERATIONS[work.attempt.operation].read(provider, work)
  if (seen.outcome === 'absent' || seen.outcome === 'unreadable') return undefined
  return transact((tx) => book(tx, work.payment.orderId, work.attempt, seen))
}

/** Books an outcome once; answers the attempt when its outcome is known, by us or by somebody before us. */
export async function book(
  tx: Sql,
  orderId: string,
  { id }: Pick<Attempt, 'id'>,
  outcome: ProviderOutcome,
): Promise<Attempt | undefined> {
  const books = await lockBooks(tx, orderId)
  const attempt = books.attempts.find((each) => each.id === id)
  if (attempt === undefined) throw new Error(`attempt ${id} is gone`)
  const work = workOf(books, attempt)
  if (isSettled(attempt)) {
    await bookLateApproval(tx, work, outcome)
    return attempt
  }
  if (outcome.outcome === 'unknown') await markUnknown(tx, attempt)
  else if (outcome.outcome === 'not_sent') {
    // given up while it was on its way out, which it never was
    if (attempt.givenUp && attempt.status === 'sent')
      return settle(tx, work, { outcome: 'declined', code: NOT_EXECUTED })
    await markNotSent(tx, attempt)
  } else return settle(tx, work, outcome)
  return undefined
}

type FinalOutcome = Exclude<ProviderOutcome, { outcome: 'unknown' | 'not_sent' }>

async function settle(tx: Sql, work: Work, outcome: FinalOutcome): Promise<Attempt> {
  const { attempt } = work
  const operation = OPERATIONS[attempt.operation]
  if (outcome.outcome === 'succeeded') {
    await markSettled(tx, attempt, 'succeeded')
    await operation.bookSuccess(tx, work, outcome.authorization)
    return { ...attempt, status: 'succeeded', waiting: false }
  }
  if (outcome.outcome === 'declined') {
    await markSettled(tx, attempt, 'declined', outcome.code)
    await operation.bookRefusal(tx, work, outcome.code)
    return { ...attempt, status: 'declined', errorCode: outcome.code, waiting: false }
  }
  if (!attempt.waiting) {
    await markWaiting(tx, attempt)
    await bookRequiredAction(tx, work, outcome.authorization)
  }
  return { ...attempt, status: 'unknown', waiting: true }
}

/** An authorization that was given up as refused or never made has been made after all: it is booked, to be released. */
export async function bookLateApproval(tx: Sql, work: Work, outcome: ProviderOutcome): Promise<void> {
  const { payment, authorization, attempt } = work
  if (attempt.operation !== 'authorize' || authorization.status !== 'declined') return
  if (outcome.outcome !== 'succeeded' && outcome.outcome !== 'requires_action') return
  // whoever asked was told that it is refused, and may have paid otherwise by now
  const standing: Authorization['standing'] = payment.tombstone ? authorization.standing : 'superseded'
  const late = { ...work, authorization: { ...authorization, standing } }
  if (outcome.outcome === 'succeeded') await bookApproval(tx, late, outcome.authorization)
  else await bookRequiredAction(tx, late, outcome.authorization)
}
