import { changeAuthorization, openOf, wasApproved, type Authorization } from '../books/authorization.ts'
import { GIVEN_UP, markSettled } from '../books/attempt.ts'
import { authorizeAttemptOf } from '../books/expiry.ts'
import { postAuthorization, postRelease } from '../books/ledger.ts'
import { recordChange } from '../books/payment.ts'
import { openAt, type PaymentProvider } from '../providers/provider.ts'
import { providerIdOf, readAuthorization, type Operation, type Reading } from './operation.ts'

export const releaseRest: Operation = {
  async send(provider, { authorization, attempt: { key } }) {
    const outcome = await provider.void(providerIdOf(authorization), key)
    if (outcome.outcome !== 'declined') return outcome
    // refused: perhaps because nothing is open there any more, which is all that we want
    try {
      const seen = await readRelease(provider, authorization)
      return seen.outcome === 'succeeded' ? seen : outcome
    } catch (cause) {
      return { outcome: 'unknown', cause }
    }
  },

  read: (provider, { authorization }) => readRelease(provider, authorization),

  async bookSuccess(tx, work, seen) {
    const { payment, attempt } = work
    const { authorization } = work
    // the customer approved it just before it was given up; we may have taken it for refused
    const approvedLate = !wasApproved(authorization) && seen.released > 0
    if (approvedLate || authorization.status === 'requires_action') {
      const made = await authorizeAttemptOf(tx, payment, authorization)
      await markSettled(tx, made, approvedLate ? 'succeeded' : 'declined', approvedLate ? null : GIVEN_UP)
      if (approvedLate)
        await postAuthorization(tx, { payment, attemptId: made.id, amount: authorization.amount })
    }
    const amount = approvedLate ? authorization.amount : openOf(authorization)
    if (amount > 0) await postRelease(tx, { payment, attemptId: attempt.id, amount })
    await changeAuthorization(tx, authorization, {
      released: authorization.released + amount,
      actionUrl: null,
      ...(authorization.captured === 0 ? { status: 'voided' } : {}),
    })
    await recordChange(tx, payment, { type: 'payment.voided', amount })
  },

  async bookRefusal() {
    // nothing moved
  },
}

async function readRelease(
  provider: PaymentProvider,
  authorization: Authorization,
): Promise<Reading & { outcome: 'succeeded' | 'absent' }> {
  const seen = await readAuthorization(provider, authorization)
  const closed = seen.state !== 'requires_action' && openAt(seen) === 0
  return closed ? { outcome: 'succeeded', authorization: seen } : { outcome: 'absent' }
}
