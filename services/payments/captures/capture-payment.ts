import type { PaymentStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import { addAttempt, GIVEN_UP, latestOf, type Attempt } from '../books/attempt.ts'
import { openOf, wasApproved, type Authorization } from '../books/authorization.ts'
import { lockBooks, type Books } from '../books/books.ts'
import {
  createExecuteAttempt,
  takeToSend,
  takeUnsettled,
  type PaymentsDependencies,
  type Ticket,
} from '../operations/execute-attempt.ts'
import { bookReceivable } from '../operations/capture.ts'
import { AUTHORIZATION_EXPIRED } from '../providers/provider.ts'
import { createRenew } from '../authorizations/renew.ts'

export interface Capture {
  orderId: string
  shipmentId: string
  /** What the parcel's lines cost with tax, minor units. */
  amount: number
  /** The order's shipping cost with tax; one shipment's capture carries it. */
  shipping: number
}

export type CapturingResult = { outcome: 'captured'; captured: number } | { outcome: 'refused'; code: string }

export type CapturePayment = ReturnType<typeof createCapturePayment>

/** What is to be done next, or the answer. */
type Step =
  | { do: 'answer'; result: CapturingResult }
  | { do: 'execute'; ticket: Ticket }
  | { do: 'renew'; authorization: Authorization }

export function createCapturePayment(dependencies: PaymentsDependencies) {
  const { transact, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)
  const renew = createRenew(dependencies)

  /**
   * Captures one parcel's share of the money; what was captured for it is the answer to every repeat. What has run out is
   * authorized anew first. After a refusal the amount is owed (a receivable), and a repeat tries again with a new key, unless
   * it was given up.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried
   */
  return async function capturePayment(parcel: Capture): Promise<CapturingResult> {
    let renewed = false
    for (;;) {
      const step = await transact((tx) => nextStep(tx, parcel, renewed))
      if (step.do === 'answer') return step.result
      if (step.do === 'renew') {
        renewed = true
        await renew(parcel.orderId, step.authorization)
        continue
      }
      const { shipmentId, status, errorCode } = await executeAttempt(step.ticket)
      const own = shipmentId === parcel.shipmentId && status === 'declined'
      // an attempt of another parcel, or a release, may have been settled on the way
      if (own && errorCode !== AUTHORIZATION_EXPIRED)
        return { outcome: 'refused', code: errorCode ?? 'refused' }
    }
  }

  async function nextStep(tx: Sql, parcel: Capture, renewed: boolean): Promise<Step> {
    const books = await lockBooks(tx, parcel.orderId)
    const { payment, attempts } = books
    if (payment.status === 'not_required') return captured(0)
    // voided before anything was known of it: nothing could be owed, in no currency
    if (payment.currency === null) return refused('payment_voided')
    const own = latestOf(attempts, { operation: 'capture', shipmentId: parcel.shipmentId })
    if (own?.status === 'succeeded') return captured(own.amount)
    const unsettled = await takeUnsettled(tx, books, timings)
    if (unsettled !== undefined) return { do: 'execute', ticket: unsettled }
    if (own?.givenUp === true) return refused(own.errorCode ?? GIVEN_UP)
    if (own?.status === 'created') return { do: 'execute', ticket: await takeToSend(tx, books, own, timings) }
    const authorization = authorizationFor(books, parcel.shipmentId)
    const due = own ?? dueFor(parcel, books, authorization)
    if (due.amount === 0) return captured(0)
    const draft = {
      operation: 'capture',
      shipmentId: parcel.shipmentId,
      amount: due.amount,
      shipping: due.shipping,
      authorizationId: authorization?.id ?? null,
    } as const
    const refusal = refusalOf(books, authorization, due.amount)
    if (refusal === AUTHORIZATION_EXPIRED && !renewed && authorization !== undefined)
      return { do: 'renew', authorization }
    if (refusal !== undefined) {
      await bookReceivable(tx, payment, own ?? (await addAttempt(tx, books, { ...draft, refusal })))
      return refused(refusal)
    }
    const attempt = await addAttempt(tx, books, draft)
    return { do: 'execute', ticket: await takeToSend(tx, books, attempt, timings) }
  }
}

const captured = (amount: number): Step => ({
  do: 'answer',
  result: { outcome: 'captured', captured: amount },
})

const refused = (code: string): Step => ({ do: 'answer', result: { outcome: 'refused', code } })

/** The parcel's own authorization, or the one for all; of several that took each other's place the one that counts. */
export function authorizationFor({ authorizations }: Books, shipmentId: string): Authorization | undefined {
  const current = authorizations.filter((each) => each.standing === 'current' && wasApproved(each))
  const own = current.filter((each) => each.shipmentId === shipmentId)
  const candidates = own.length > 0 ? own : current.filter((each) => each.shipmentId === null)
  return candidates.findLast((each) => openOf(each) > 0) ?? candidates.at(-1)
}

/**
 * The parcel's share. The shipping comes with the first one to be due, whether its capture succeeds or is owed; where each
 * parcel has its authorization, with the one that it was authorized with.
 */
export function dueFor(
  { shipmentId, amount, shipping }: Capture,
  { attempts }: Books,
  authorization: Authorization | undefined,
): Pick<Attempt, 'amount' | 'shipping'> {
  const carries =
    authorization?.shipmentId === shipmentId
      ? authorization.carriesShipping
      : !attempts.some((attempt) => attempt.shipping > 0)
  return carries ? { amount: amount + shipping, shipping } : { amount, shipping: 0 }
}

const INCOMPLETE = new Set<PaymentStatus>(['created', 'requires_action', 'processing'])

/** Why the provider need not be asked. */
function refusalOf(
  { payment }: Books,
  authorization: Authorization | undefined,
  amount: number,
): string | undefined {
  if (payment.tombstone) return 'payment_voided'
  // of several shares all must be there
  if (authorization === undefined || INCOMPLETE.has(payment.status)) return 'payment_not_authorized'
  if (openOf(authorization) >= amount) return undefined
  return authorization.expired ? AUTHORIZATION_EXPIRED : 'amount_exceeds_authorization'
}
