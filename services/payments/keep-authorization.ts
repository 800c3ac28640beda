import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import { changeAuthorization, supersede, wasApproved, type Authorization } from './authorization.ts'
import { readBooks } from './books.ts'
import type { PaymentsDependencies } from './execute-attempt.ts'
import { closeRequests, lockKnownPayment, recordChange, setAmount } from './payment.ts'
import { createReleaseAuthorization } from './release-authorization.ts'

export interface Keeping {
  orderId: string
  request: number
  /** A request that must not come into effect any more, not even late. */
  givenUp?: number
}

export type KeepAuthorization = ReturnType<typeof createKeepAuthorization>

export function createKeepAuthorization(dependencies: PaymentsDependencies) {
  const releaseAuthorization = createReleaseAuthorization(dependencies)

  /**
   * Makes the authorization of this request the order's one and releases all others; a repeat does what is left of that.
   *
   * @throws ApplicationFailure Refused when that request has nothing authorized; PaymentInFlight or PaymentOutcomeUnknown,
   * to be retried
   */
  return async function keepAuthorization(keeping: Keeping): Promise<void> {
    await dependencies.transact((tx) => decide(tx, keeping))
    await releaseAuthorization(keeping.orderId)
  }
}

async function decide(tx: Sql, { orderId, request, givenUp = 0 }: Keeping): Promise<void> {
  const { payment, authorizations } = await readBooks(tx, await lockKnownPayment(tx, orderId))
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
  await closeRequests(tx, payment, Math.max(request, givenUp, ...authorizations.map((each) => each.request)))
  await supersede(tx, dropped)
  const candidates = kept.filter(({ standing }) => standing === 'candidate')
  if (candidates.length === 0) return
  for (const candidate of candidates) await changeAuthorization(tx, candidate, { standing: 'current' })
  const amount = made.reduce((sum, each) => sum + each.amount, 0)
  const changed = await setAmount(tx, payment, { amount, paymentMethod: made[0]?.paymentMethod ?? '' })
  await recordChange(tx, changed, { type: 'payment.authorized', amount })
}

const isStanding = ({ standing }: Authorization): boolean => standing !== 'superseded'
