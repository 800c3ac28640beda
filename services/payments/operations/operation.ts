import type { Sql } from '#platform/database.ts'
import type { Attempt } from '../attempt.ts'
import type { Payment } from '../payment.ts'
import type { PaymentProvider, ProviderAuthorization, ProviderOutcome } from '../providers/provider.ts'

/** What the provider's state says about an attempt: its outcome, that it has not happened, or nothing. */
export type Reading = ProviderOutcome | { outcome: 'absent' } | { outcome: 'unreadable' }

/** The error code of an authorization that was asked for in vain: the provider has never heard of it. */
export const NOT_EXECUTED = 'not_executed'

/** How one kind of attempt is sent, read and booked. Booking runs under the payment's row lock, once per attempt. */
export interface Operation {
  send(provider: PaymentProvider, payment: Payment, attempt: Attempt): Promise<ProviderOutcome>
  /** May throw when the provider cannot be asked. */
  read(provider: PaymentProvider, payment: Payment, attempt: Attempt): Promise<Reading>
  bookSuccess(
    tx: Sql,
    payment: Payment,
    attempt: Attempt,
    authorization: ProviderAuthorization,
  ): Promise<void>
  bookRefusal(tx: Sql, payment: Payment, attempt: Attempt, code: string): Promise<void>
}

/** The provider's id of the payment's authorization. */
export function authorizationIdOf({ id, providerAuthorizationId }: Payment): string {
  if (providerAuthorizationId === null) throw new Error(`payment ${id} has no authorization`)
  return providerAuthorizationId
}

/** The authorization as the provider has it now. */
export async function readAuthorization(
  provider: PaymentProvider,
  payment: Payment,
): Promise<ProviderAuthorization> {
  const id = authorizationIdOf(payment)
  const found = await provider.find(id)
  if (found === undefined) throw new Error(`the provider does not know the authorization ${id}`)
  return found
}
