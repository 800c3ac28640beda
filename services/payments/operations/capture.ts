import type { Sql } from '#platform/database.ts'
import type { Attempt } from '../books/attempt.ts'
import { changeAuthorization } from '../books/authorization.ts'
import { bookExpiry } from '../books/expiry.ts'
import { postCapture, postReceivable, postRelease, receivableOf } from '../books/ledger.ts'
import { recordChange, type Payment } from '../books/payment.ts'
import { AUTHORIZATION_EXPIRED } from '../providers/provider.ts'
import { providerIdOf, readAuthorization, type Operation } from './operation.ts'

export const capture: Operation = {
  send: (provider, { authorization, attempt: { amount, key } }) =>
    provider.capture(providerIdOf(authorization), amount, key),

  /** Nothing else moves this payment's money while an attempt is open: the provider's sum tells. */
  async read(provider, { authorization, attempt: { amount } }) {
    const seen = await readAuthorization(provider, authorization)
    if (seen.captured === authorization.captured) return { outcome: 'absent' }
    if (seen.captured === authorization.captured + amount)
      return { outcome: 'succeeded', authorization: seen }
    throw new Error(
      `the provider has captured ${seen.captured} of authorization ${authorization.id}, we ${authorization.captured}`,
    )
  },

  async bookSuccess(tx, { payment, authorization, attempt }, seen) {
    const { id: attemptId, amount, shipmentId } = attempt
    const clears = shipmentId !== null && (await receivableOf(tx, payment, shipmentId)) > 0
    await postCapture(tx, { payment, attemptId, amount }, { clears })
    // a provider without multicapture releases the rest with the first capture
    const rest = Math.max(seen.released - authorization.released, 0)
    if (rest > 0) await postRelease(tx, { payment, attemptId, amount: rest })
    await changeAuthorization(tx, authorization, {
      captured: authorization.captured + amount,
      released: authorization.released + rest,
    })
    await recordChange(tx, payment, { type: 'payment.captured', amount })
  },

  /** What has run out is authorized anew, unless it is captured no more; everything else is owed. */
  async bookRefusal(tx, { payment, authorization, attempt }, code) {
    const expired = code === AUTHORIZATION_EXPIRED
    if (expired) await bookExpiry(tx, payment, authorization)
    if (!expired || attempt.givenUp) await bookReceivable(tx, payment, attempt)
  },
}

/** The parcel has left, so what could not be captured is owed; a shipment is owed for once. */
export async function bookReceivable(
  tx: Sql,
  payment: Payment,
  { id: attemptId, key, shipmentId, amount }: Attempt,
): Promise<void> {
  if (shipmentId === null) throw new Error(`${key} belongs to no shipment`)
  if ((await receivableOf(tx, payment, shipmentId)) > 0) return
  await postReceivable(tx, { payment, attemptId, amount })
}
