/**
 * Brings an authorization to what the provider says of it, while nothing of its payment is under way. Money that moved there
 * without us is booked where that is safe; what is not, is said.
 */
import type { Sql } from '#platform/database.ts'
import {
  addAttempt,
  latestOf,
  markGivenUp,
  markSent,
  markSettled,
  type Attempt,
  type AttemptOperation,
} from '../books/attempt.ts'
import { changeAuthorization, openOf, type Authorization } from '../books/authorization.ts'
import { readBooks, type Books } from '../books/books.ts'
import { adoptDisputes } from '../books/disputes.ts'
import { bookLateApproval, workOf } from '../operations/execute-attempt.ts'
import { authorizeAttemptOf, bookExpiry } from '../books/expiry.ts'
import { postRelease } from '../books/ledger.ts'
import { outcomeOf } from '../operations/authorize.ts'
import { capture } from '../operations/capture.ts'
import type { Work } from '../operations/operation.ts'
import { refund } from '../operations/refund.ts'
import { lockKnownPayment, recordChange } from '../books/payment.ts'
import type { ProviderAuthorization } from '../providers/provider.ts'
import { addRefund, markRefund } from '../books/refund.ts'

export interface Adoption {
  /** What was brought to the provider's figures. */
  repaired: string[]
  /** What was not, because nobody can tell what it means. */
  different: string[]
}

export async function adopt(
  tx: Sql,
  books: Books,
  authorization: Authorization,
  seen: ProviderAuthorization,
): Promise<Adoption> {
  const found: Adoption = { repaired: [], different: [] }
  const { id } = authorization
  const { orderId } = books.payment
  await adoptApproval(tx, books, authorization, seen, found)
  for (const part of [adoptCaptured, adoptRefunded, adoptReleased, adoptDisputed]) {
    // each part may have changed what the next one starts from
    const now = await readBooks(tx, await lockKnownPayment(tx, orderId))
    const current = now.authorizations.find((each) => each.id === id)
    if (current !== undefined && isBooked(current)) await part(tx, now, current, seen, found)
  }
  return found
}

/** The provider has, or had, its money: the figures can be compared. */
const isBooked = ({ status }: Authorization): boolean =>
  status === 'authorized' || status === 'voided' || status === 'expired'

type Part = (
  tx: Sql,
  books: Books,
  authorization: Authorization,
  seen: ProviderAuthorization,
  found: Adoption,
) => Promise<void>

/** What was refused, or given up as never made, is there after all: it is booked, to be released. */
const adoptApproval: Part = async (tx, books, authorization, seen, { repaired }) => {
  const late = seen.state === 'approved' || seen.state === 'requires_action'
  if (authorization.status !== 'declined' || !late) return
  const attempt = latestOf(books.attempts, { operation: 'authorize', authorizationId: authorization.id })
  if (attempt === undefined) return
  await bookLateApproval(tx, workOf(books, attempt), outcomeOf(seen))
  repaired.push('authorized after it was refused')
}

/** Captured by nobody of ours: given back where the order has ended, otherwise a person must say what it is for. */
const adoptCaptured: Part = async (tx, books, authorization, seen, { repaired, different }) => {
  const amount = seen.captured - authorization.captured
  if (amount === 0) return
  const unwanted = books.payment.tombstone || authorization.standing === 'superseded'
  if (amount < 0 || !unwanted || amount > openOf(authorization)) {
    different.push(`captured ${authorization.captured}, the provider's ${seen.captured}`)
    return
  }
  const work = await addFound(tx, books, authorization, { operation: 'capture', amount })
  await capture.bookSuccess(tx, work, seen)
  await addRefund(tx, books.payment.id, {
    reference: `captured-late:${work.attempt.key}`,
    kind: 'order',
    amount,
    reason: 'captured after the order had ended',
  })
  repaired.push(`captured ${amount} after the order had ended`)
}

const adoptRefunded: Part = async (tx, books, authorization, seen, { repaired, different }) => {
  const amount = seen.refunded - authorization.refunded
  if (amount === 0) return
  if (amount < 0 || seen.refunded > authorization.captured) {
    different.push(`refunded ${authorization.refunded}, the provider's ${seen.refunded}`)
    return
  }
  const made = await addRefund(tx, books.payment.id, {
    reference: `provider:${authorization.id}:${seen.refunded}`,
    kind: 'goodwill',
    amount,
    reason: 'refunded at the provider',
  })
  const work = await addFound(tx, books, authorization, { operation: 'refund', amount, refundId: made.id })
  // most likely one that an operator has settled otherwise, and that the provider had not heard of when it was asked
  if (books.attempts.some((each) => isLate(each, work.attempt))) await markGivenUp(tx, work.attempt)
  await refund.bookSuccess(tx, work, seen)
  await markRefund(tx, made, 'succeeded')
  repaired.push(`refunded ${amount} there`)
}

const isLate = (attempt: Attempt, { authorizationId, amount }: Attempt): boolean =>
  attempt.operation === 'refund' &&
  attempt.givenUp &&
  attempt.status === 'declined' &&
  attempt.authorizationId === authorizationId &&
  attempt.amount === amount

const adoptReleased: Part = async (tx, { payment }, authorization, seen, { repaired, different }) => {
  const amount = seen.released - authorization.released
  if (amount === 0) return
  if (amount < 0 || amount > openOf(authorization)) {
    different.push(`released ${authorization.released}, the provider's ${seen.released}`)
    return
  }
  repaired.push(`released ${amount} there`)
  if (amount === openOf(authorization) && seen.expiresAt !== null && new Date(seen.expiresAt) <= new Date())
    return bookExpiry(tx, payment, authorization)
  const { id: attemptId } = await authorizeAttemptOf(tx, payment, authorization)
  await postRelease(tx, { payment, attemptId, amount })
  await changeAuthorization(tx, authorization, {
    released: seen.released,
    // a part of it may have been released there, and the rest is still held
    ...(authorization.captured === 0 && amount === openOf(authorization) ? { status: 'voided' } : {}),
  })
  await recordChange(tx, payment, { type: 'payment.voided', amount })
}

const adoptDisputed: Part = async (tx, { payment }, authorization, seen, { repaired }) => {
  repaired.push(...(await adoptDisputes(tx, payment, authorization, seen.disputes)))
}

/** An attempt for what happened at the provider without one. */
async function addFound(
  tx: Sql,
  books: Books,
  authorization: Authorization,
  draft: { operation: AttemptOperation; amount: number; refundId?: string },
): Promise<Work> {
  const attempt = await addAttempt(tx, books, { ...draft, authorizationId: authorization.id })
  await markSent(tx, attempt, 0)
  await markSettled(tx, attempt, 'succeeded')
  return { payment: books.payment, authorization, attempt }
}
