import type { Sql } from '#platform/database.ts'
import {
  authorizationsOf,
  changeAuthorization,
  supersede,
  type Authorization,
} from '../books/authorization.ts'
import { postAuthorization } from '../books/ledger.ts'
import { currencyOf, recordChange } from '../books/payment.ts'
import type { PaymentProvider, ProviderAuthorization, ProviderOutcome } from '../providers/provider.ts'
import { NOT_EXECUTED } from './not-executed.ts'
import { readAuthorization, type Operation, type Work } from './operation.ts'

/** Our reference at the provider is the attempt's key: one authorization each. */
export const authorize: Operation = {
  send(provider, { payment, authorization: { paymentMethod }, attempt: { amount, key } }) {
    const { customerId } = payment
    if (customerId === null) throw new Error(`payment ${payment.id} is a tombstone`)
    const request = {
      amount,
      currency: currencyOf(payment),
      paymentMethod,
      reference: key,
      customer: customerId,
    }
    return provider.authorize(request, key)
  },

  async read(provider, work) {
    const { authorization, attempt } = work
    if (authorization.providerId !== null) return outcomeOf(await readAuthorization(provider, authorization))
    if (!provider.capabilities.lookupByReference) return { outcome: 'unreadable' }
    const found = await provider.findByReference(attempt.key)
    return found === undefined ? { outcome: 'absent' } : outcomeOf(found)
  },

  bookSuccess: bookApproval,

  async bookRefusal(tx, { payment, authorization }, code) {
    await changeAuthorization(tx, authorization, { status: 'declined', code, actionUrl: null })
    await giveUpSiblings(tx, authorization, payment.id)
    // asked for in vain because nobody wants it any more: nobody refused it either
    if (code !== NOT_EXECUTED) await recordChange(tx, payment, { type: 'payment.declined', amount: 0, code })
  },
}

/** Books what the provider has authorized; on a payment that has ended already, it is booked to be released. */
export async function bookApproval(
  tx: Sql,
  { payment, authorization, attempt }: Work,
  seen: ProviderAuthorization,
): Promise<void> {
  const { amount } = authorization
  if (seen.amount !== amount) throw new Error(`the provider authorized ${seen.amount} for ${attempt.key}`)
  await postAuthorization(tx, { payment, attemptId: attempt.id, amount })
  const renewal = authorization.renews !== null && authorization.standing === 'candidate'
  await changeAuthorization(tx, authorization, {
    ...whatIsSeen(seen),
    status: 'authorized',
    code: null,
    actionUrl: null,
    ...(renewal ? { standing: 'current' } : {}),
  })
  if (renewal) {
    const all = await authorizationsOf(tx, payment.id)
    await supersede(
      tx,
      all.filter(({ id }) => id === authorization.renews),
    )
  }
  await recordChange(tx, payment, { type: 'payment.authorized', amount })
}

/** The customer must approve it at the provider's page. */
export async function bookRequiredAction(
  tx: Sql,
  { payment, authorization }: Work,
  seen: ProviderAuthorization,
): Promise<void> {
  const change = { ...whatIsSeen(seen), status: 'requires_action', actionUrl: seen.actionUrl } as const
  await changeAuthorization(tx, authorization, change)
  await recordChange(tx, payment, { type: 'payment.requires_action', amount: authorization.amount })
}

/** One parcel's share is refused: the others of the same request are of no use. */
async function giveUpSiblings(
  tx: Sql,
  { id, request, renews }: Authorization,
  paymentId: string,
): Promise<void> {
  if (renews !== null) return
  const all = await authorizationsOf(tx, paymentId)
  await supersede(
    tx,
    all.filter((other) => other.id !== id && other.request === request),
  )
}

const whatIsSeen = ({ id, brand, last4, expiresAt }: ProviderAuthorization) => ({
  providerId: id,
  brand,
  last4,
  expiresAt: expiresAt === null ? null : new Date(expiresAt),
})

export function outcomeOf(authorization: ProviderAuthorization): ProviderOutcome {
  const { state, declineCode } = authorization
  if (state === 'approved') return { outcome: 'succeeded', authorization }
  if (state === 'requires_action') return { outcome: 'requires_action', authorization }
  return {
    outcome: 'declined',
    code: declineCode ?? (state === 'closed' ? 'authorization_closed' : 'declined'),
  }
}

/** The authorization behind a webhook: by the id that it names, or by our reference. */
export async function lookUp(
  provider: PaymentProvider,
  reference: string,
  providerId: string | null,
): Promise<ProviderAuthorization | undefined> {
  if (providerId !== null) return provider.find(providerId)
  return provider.capabilities.lookupByReference ? provider.findByReference(reference) : undefined
}
