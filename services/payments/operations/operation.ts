import type { Sql } from '#platform/database.ts'
import type { Attempt } from '../books/attempt.ts'
import type { Authorization } from '../books/authorization.ts'
import type { Payment } from '../books/payment.ts'
import type { PaymentProvider, ProviderAuthorization, ProviderOutcome } from '../providers/provider.ts'

/** What the provider's state says about an attempt: its outcome, that it has not happened, or nothing. */
export type Reading = ProviderOutcome | { outcome: 'absent' } | { outcome: 'unreadable' }

/** An attempt with what it is about. */
export interface Work {
  payment: Payment
  authorization: Authorization
  attempt: Attempt
}

/** How one kind of attempt is sent, read and booked. Booking runs under the payment's row lock, once per attempt. */
export interface Operation {
  send(provider: PaymentProvider, work: Work): Promise<ProviderOutcome>
  /** May throw when the provider cannot be asked. */
  read(provider: PaymentProvider, work: Work): Promise<Reading>
  bookSuccess(tx: Sql, work: Work, seen: ProviderAuthorization): Promise<void>
  bookRefusal(tx: Sql, work: Work, code: string): Promise<void>
}

/** The provider's id of an authorization that it has answered. */
export function providerIdOf({ id, providerId }: Authorization): string {
  if (providerId === null) throw new Error(`the provider never answered for authorization ${id}`)
  return providerId
}

/** The authorization as the provider has it now. */
export async function readAuthorization(
  provider: PaymentProvider,
  authorization: Authorization,
): Promise<ProviderAuthorization> {
  const id = providerIdOf(authorization)
  const found = await provider.find(id)
  if (found === undefined) throw new Error(`the provider does not know the authorization ${id}`)
  return found
}
