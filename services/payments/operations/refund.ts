import { changeAuthorization } from '../books/authorization.ts'
import { postRefund } from '../books/ledger.ts'
import { recordChange } from '../books/payment.ts'
import { refundOf, type Refund } from '../books/refund.ts'
import { providerIdOf, readAuthorization, type Operation } from './operation.ts'

/** What our own workflows ask for says so; the rest is people's. */
function causeOf({ kind, reason }: Refund): 'return' | 'lost_parcel' | 'request' {
  if (kind === 'order' && reason === 'return') return 'return'
  return kind === 'order' && reason === 'lost' ? 'lost_parcel' : 'request'
}

export const refund: Operation = {
  send: (provider, { authorization, attempt: { amount, key } }) =>
    provider.refund(providerIdOf(authorization), { amount }, key),

  /** Nothing else moves this payment's money while an attempt is open: the provider's sum tells. */
  async read(provider, { authorization, attempt: { amount } }) {
    const seen = await readAuthorization(provider, authorization)
    if (seen.refunded === authorization.refunded) return { outcome: 'absent' }
    if (seen.refunded === authorization.refunded + amount)
      return { outcome: 'succeeded', authorization: seen }
    throw new Error(
      `the provider has refunded ${seen.refunded} of authorization ${authorization.id}, we ${authorization.refunded}`,
    )
  },

  async bookSuccess(tx, { payment, authorization, attempt }) {
    const { id: attemptId, amount, refundId } = attempt
    const made = await refundOf(tx, refundId)
    await postRefund(tx, { payment, attemptId, amount }, made.kind === 'goodwill' ? 'goodwill' : 'refunds')
    await changeAuthorization(tx, authorization, { refunded: authorization.refunded + amount })
    await recordChange(tx, payment, {
      type: 'payment.refunded',
      amount,
      refundFor: causeOf(made),
      refundedBy: made.requestedBy,
    })
  },

  async bookRefusal() {
    // nothing moved; whoever carries the refund out decides what follows
  },
}
