import { postAuthorization } from '../ledger.ts'
import { changePayment, currencyOf, type Payment } from '../payment.ts'
import type { Sql } from '#platform/database.ts'
import type { Attempt } from '../attempt.ts'
import type { ProviderAuthorization, ProviderOutcome } from '../providers/provider.ts'
import { NOT_EXECUTED, type Operation } from './operation.ts'

/** Our reference at the provider is the attempt's key: one authorization each. */
export const authorize: Operation = {
  send(provider, payment, { amount, key }) {
    const { customerId, paymentMethod } = payment
    if (customerId === null || paymentMethod === null) throw new Error(`payment ${payment.id} is a tombstone`)
    const request = {
      amount,
      currency: currencyOf(payment),
      paymentMethod,
      reference: key,
      customer: customerId,
    }
    return provider.authorize(request, key)
  },

  async read(provider, _payment, { key }) {
    if (!provider.capabilities.lookupByReference) return { outcome: 'unreadable' }
    const found = await provider.findByReference(key)
    return found === undefined ? { outcome: 'absent' } : outcomeOf(found)
  },

  bookSuccess: bookAuthorization,

  async bookRefusal(tx, payment, _attempt, code) {
    // asked for in vain because the order is being voided: the payment ends as voided, not as failed
    if (code === NOT_EXECUTED) return
    await changePayment(tx, payment, { status: 'failed' }, { type: 'payment.declined', amount: 0, code })
  },
}

/** Books what the provider has authorized; on a payment that has ended already, it is booked to be released. */
export async function bookAuthorization(
  tx: Sql,
  payment: Payment,
  attempt: Attempt,
  { id, amount, brand, last4 }: ProviderAuthorization,
): Promise<void> {
  if (amount !== attempt.amount) throw new Error(`the provider authorized ${amount} for ${attempt.key}`)
  const change = {
    authorized: amount,
    providerAuthorizationId: id,
    brand,
    last4,
    ...(payment.status === 'created' ? { status: 'authorized' as const } : {}),
  }
  await postAuthorization(tx, { payment, attemptId: attempt.id, amount })
  await changePayment(tx, payment, change, { type: 'payment.authorized', amount })
}

/** Nobody can approve it here yet: the customer is refused, and what they may still approve is released. */
export async function bookRequiredAction(
  tx: Sql,
  payment: Payment,
  { id, brand, last4 }: ProviderAuthorization,
): Promise<void> {
  const change = { status: 'failed' as const, providerAuthorizationId: id, brand, last4 }
  await changePayment(tx, payment, change, {
    type: 'payment.declined',
    amount: 0,
    code: AUTHENTICATION_REQUIRED,
  })
}

/** The error code of an authorization that the customer would have to approve. */
export const AUTHENTICATION_REQUIRED = 'authentication_required'

function outcomeOf(authorization: ProviderAuthorization): ProviderOutcome {
  const { state, declineCode } = authorization
  if (state === 'approved') return { outcome: 'succeeded', authorization }
  if (state === 'requires_action') return { outcome: 'requires_action', authorization }
  return {
    outcome: 'declined',
    code: declineCode ?? (state === 'closed' ? 'authorization_closed' : 'declined'),
  }
}
