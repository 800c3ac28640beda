import { postRelease } from '../ledger.ts'
import { changePayment, openOf, type Payment } from '../payment.ts'
import { openAt, type PaymentProvider } from '../providers/provider.ts'
import { authorizationIdOf, readAuthorization, type Operation, type Reading } from './operation.ts'

export const releaseRest: Operation = {
  async send(provider, payment, { key }) {
    const outcome = await provider.void(authorizationIdOf(payment), key)
    if (outcome.outcome !== 'declined') return outcome
    // refused: perhaps because nothing is open there any more, which is all that we want
    try {
      const seen = await readRelease(provider, payment)
      return seen.outcome === 'succeeded' ? seen : outcome
    } catch (cause) {
      return { outcome: 'unknown', cause }
    }
  },

  read: readRelease,

  async bookSuccess(tx, payment, { id: attemptId }) {
    const amount = openOf(payment)
    // what waited for the customer's approval was never authorized
    if (amount === 0) return
    await postRelease(tx, { payment, attemptId, amount })
    const change = { released: payment.released + amount, status: statusAfter(payment) }
    await changePayment(tx, payment, change, { type: 'payment.voided', amount })
  },

  async bookRefusal() {
    // nothing moved
  },
}

async function readRelease(
  provider: PaymentProvider,
  payment: Payment,
): Promise<Reading & { outcome: 'succeeded' | 'absent' }> {
  const authorization = await readAuthorization(provider, payment)
  const closed = authorization.state !== 'requires_action' && openAt(authorization) === 0
  return closed ? { outcome: 'succeeded', authorization } : { outcome: 'absent' }
}

/** A payment that ended before keeps its ending; one of which parcels were paid is captured as far as it ever will be. */
function statusAfter({ status, captured }: Payment): Payment['status'] {
  if (status === 'failed' || status === 'voided') return status
  return captured > 0 ? 'captured' : 'voided'
}
