import { openOf, type Authorization } from '../books/authorization.ts'
import { lockBooks } from '../books/books.ts'
import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import { createRenew, type Renewal } from './renew.ts'

/** One this young is as good as a new one would be. */
const YOUNG = 0.1

export type RenewAuthorization = ReturnType<typeof createRenewAuthorization>

export function createRenewAuthorization(dependencies: PaymentsDependencies) {
  const renew = createRenew(dependencies)

  /**
   * Sees to it that what is authorized and not captured lasts until then, as far as the provider's authorizations ever last;
   * authorizes anew what would not.
   *
   * @param until ISO 8601
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried
   */
  return async function renewAuthorization({
    orderId,
    until,
  }: {
    orderId: string
    until: string
  }): Promise<Renewal> {
    const due = await dependencies.transact(async (tx) => {
      const { payment, authorizations } = await lockBooks(tx, orderId)
      return payment.tombstone ? [] : authorizations.filter((each) => endsTooSoon(each, new Date(until)))
    })
    for (const authorization of due) {
      const renewal = await renew(orderId, authorization)
      if (renewal.outcome === 'declined') return renewal
    }
    return { outcome: 'valid' }
  }
}

function endsTooSoon(authorization: Authorization, until: Date): boolean {
  const { standing, expired, expiresAt, createdAt, releaseRequested } = authorization
  if (standing !== 'current' || releaseRequested) return false
  if (expired) return true
  if (openOf(authorization) === 0 || expiresAt === null || expiresAt >= until) return false
  const now = Date.now()
  const lifetime = expiresAt.getTime() - createdAt.getTime()
  return expiresAt.getTime() <= now || now - createdAt.getTime() > lifetime * YOUNG
}
