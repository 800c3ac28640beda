import type { Sql } from '#platform/database.ts'
import { addAttempt, attemptsOf, latestOf, type Attempt } from './attempt.ts'
import {
  createExecuteAttempt,
  takeToSend,
  takeUnsettled,
  type PaymentsDependencies,
  type Ticket,
} from './execute-attempt.ts'
import { bookReceivable } from './operations/capture.ts'
import { lockKnownPayment, openOf, type Payment } from './payment.ts'

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

export function createCapturePayment(dependencies: PaymentsDependencies) {
  const { transact, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)

  /**
   * Captures one parcel's share of the money; what was captured for it is the answer to every repeat. After a refusal the
   * amount is owed (a receivable), and a repeat tries again with a new key.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried
   */
  return async function capturePayment(parcel: Capture): Promise<CapturingResult> {
    for (;;) {
      const step = await transact((tx) => nextStep(tx, parcel))
      if ('outcome' in step) return step
      const { amount, shipmentId, status, errorCode } = await executeAttempt(step)
      // an attempt of another parcel, or a release, was settled on the way
      if (shipmentId !== parcel.shipmentId) continue
      return status === 'succeeded'
        ? { outcome: 'captured', captured: amount }
        : { outcome: 'refused', code: errorCode ?? 'refused' }
    }
  }

  async function nextStep(tx: Sql, parcel: Capture): Promise<Ticket | CapturingResult> {
    const payment = await lockKnownPayment(tx, parcel.orderId)
    if (payment.status === 'not_required') return { outcome: 'captured', captured: 0 }
    const attempts = await attemptsOf(tx, payment.id)
    const own = latestOf(attempts, 'capture', parcel.shipmentId)
    if (own?.status === 'succeeded') return { outcome: 'captured', captured: own.amount }
    const unsettled = await takeUnsettled(tx, payment, attempts, timings)
    if (unsettled !== undefined) return unsettled
    if (own?.status === 'created') return takeToSend(tx, payment, own, timings)
    const due = own ?? dueFor(parcel, attempts)
    if (due.amount === 0) return { outcome: 'captured', captured: 0 }
    const draft = {
      operation: 'capture',
      shipmentId: parcel.shipmentId,
      amount: due.amount,
      shipping: due.shipping,
    } as const
    const refusal = refusalOf(payment, due.amount)
    if (refusal !== undefined) {
      if (own === undefined)
        await bookReceivable(tx, payment, await addAttempt(tx, payment, attempts, { ...draft, refusal }))
      return { outcome: 'refused', code: refusal }
    }
    return takeToSend(tx, payment, await addAttempt(tx, payment, attempts, draft), timings)
  }
}

/** The parcel's share; the first one to be due carries the shipping, whether its capture succeeds or is owed. */
function dueFor(
  { amount, shipping }: Capture,
  attempts: readonly Attempt[],
): { amount: number; shipping: number } {
  const carried = attempts.some((attempt) => attempt.shipping > 0)
  return carried ? { amount, shipping: 0 } : { amount: amount + shipping, shipping }
}

/** Why the provider need not be asked. */
function refusalOf(payment: Payment, amount: number): string | undefined {
  if (payment.tombstone) return 'payment_voided'
  if (payment.providerAuthorizationId === null || payment.status === 'failed') return 'payment_not_authorized'
  return openOf(payment) < amount ? 'amount_exceeds_authorization' : undefined
}
