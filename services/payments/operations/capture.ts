import type { Sql } from '#platform/database.ts'
import type { Attempt } from '../attempt.ts'
import { postCapture, postReceivable, postRelease, receivableOf } from '../ledger.ts'
import { changePayment, openOf, type Payment } from '../payment.ts'
import { authorizationIdOf, readAuthorization, type Operation } from './operation.ts'

export const capture: Operation = {
  send: (provider, payment, { amount, key }) => provider.capture(authorizationIdOf(payment), amount, key),

  /** Nothing else moves this payment's money while an attempt is open: the provider's sum tells. */
  async read(provider, payment, { amount }) {
    const authorization = await readAuthorization(provider, payment)
    if (authorization.captured === payment.captured) return { outcome: 'absent' }
    if (authorization.captured === payment.captured + amount) return { outcome: 'succeeded', authorization }
    throw new Error(
      `the provider has captured ${authorization.captured} of payment ${payment.id}, we ${payment.captured}`,
    )
  },

  async bookSuccess(tx, payment, attempt, authorization) {
    const { id: attemptId, amount } = attempt
    const clears = (await receivableOf(tx, payment, shipmentOf(attempt))) > 0
    await postCapture(tx, { payment, attemptId, amount }, { clears })
    // a provider without multicapture releases the rest with the first capture
    const rest = authorization.released - payment.released
    if (rest > 0) await postRelease(tx, { payment, attemptId, amount: rest })
    const after = {
      ...payment,
      captured: payment.captured + amount,
      released: payment.released + Math.max(rest, 0),
    }
    const status = openOf(after) === 0 ? 'captured' : 'partially_captured'
    const change = { status, captured: after.captured, released: after.released } as const
    await changePayment(tx, payment, change, { type: 'payment.captured', amount })
  },

  bookRefusal: bookReceivable,
}

/** The parcel has left, so what could not be captured is owed; a shipment is owed for once. */
export async function bookReceivable(tx: Sql, payment: Payment, attempt: Attempt): Promise<void> {
  if ((await receivableOf(tx, payment, shipmentOf(attempt))) > 0) return
  await postReceivable(tx, { payment, attemptId: attempt.id, amount: attempt.amount })
}

function shipmentOf({ key, shipmentId }: Attempt): string {
  if (shipmentId === null) throw new Error(`${key} belongs to no shipment`)
  return shipmentId
}
