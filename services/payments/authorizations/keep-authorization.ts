import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import { changeAuthorization, supersede, wasApproved, type Authorization } from '../books/authorization.ts'
import { lockBooks, type Books } from '../books/books.ts'
import {
  createExecuteAttempt,
  takeUnsettled,
  type PaymentsDependencies,
  type Ticket,
} from '../operations/execute-attempt.ts'
import { closeRequests, recordChange, setAmount } from '../books/payment.ts'
import { createReleaseAuthorization } from './release-authorization.ts'

export interface Keeping {
  orderId: string
  request: number
  /** A request that must not come into effect any more, not even late. */
  givenUp?: number
}

export type KeepAuthorization = ReturnType<typeof createKeepAuthorization>

export function createKeepAuthorization(dependencies: PaymentsDependencies) {
  const { transact, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)
  const releaseAuthorization = createReleaseAuthorization(dependencies)

  /**
   * Makes the authorization of this request the order's one and releases all others; a repeat does what is left of that.
   *
   * @throws ApplicationFailure Refused when that request has nothing authorized, or comes after a capture; PaymentInFlight or PaymentOutcomeUnknown,
   * to be retried
   */
  return async function keepAuthorization(keeping: Keeping): Promise<void> {
    for (;;) {
      const open = await transact((tx) => decide(tx, keeping))
      if (open === undefined) break
      await executeAttempt(open)
    }
    await releaseAuthorization(keeping.orderId)
  }

  /** A call whose outcome is open may be a capture, which decides too: it is settled first. */
  async function decide(tx: Sql, keeping: Keeping): Promise<Ticket | undefined> {
    const books = await lockBooks(tx, keeping.orderId)
    const unsettled = await takeUnsettled(tx, books, timings)
    if (unsettled === undefined) await switchTo(tx, books, keeping)
    return unsettled
  }
}

async function switchTo(tx: Sql, books: Books, { orderId, request, givenUp = 0 }: Keeping): Promise<void> {
  const { payment, authorizations } = books
  const kept = authorizations.filter((each) => each.request === request)
  const dropped = authorizations.filter((each) => each.request !== request)
  const made = kept.filter(({ renews }) => renews === null)
  // an order that costs nothing has none
  const free = made.length === 0 && payment.status === 'not_required'
  const usable = made.length > 0 && made.every(wasApproved) && kept.some(isStanding)
  if (!free && !usable) {
    throw ApplicationFailure.nonRetryable(
      `request ${request} of order ${orderId} has nothing authorized`,
      FAILURE.refused,
    )
  }
  const candidates = kept.filter(({ standing }) => standing === 'candidate')
  if (candidates.length > 0 && payment.captured > 0) {
    throw ApplicationFailure.nonRetryable(`order ${orderId} has been paid for in part`, FAILURE.refused)
  }
  await closeRequests(tx, payment, Math.max(request, givenUp, ...authorizations.map((each) => each.request)))
  await supersede(tx, dropped)
  if (candidates.length === 0) return
  for (const candidate of candidates) await changeAuthorization(tx, candidate, { standing: 'current' })
  const amount = made.reduce((sum, each) => sum + each.amount, 0)
  const changed = await setAmount(tx, payment, { amount, paymentMethod: made[0]?.paymentMethod ?? '' })
  await recordChange(tx, changed, { type: 'payment.authorized', amount })
}

const isStanding = ({ standing }: Authorization): boolean => standing !== 'superseded'
