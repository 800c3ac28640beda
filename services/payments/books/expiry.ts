import type { Sql } from '#platform/database.ts'
import { attemptsOf, latestOf, type Attempt } from './attempt.ts'
import { changeAuthorization, openOf, type Authorization } from './authorization.ts'
import { postExpiry } from './ledger.ts'
import { recordChange, type Payment } from './payment.ts'

/** Books that an authorization has run out: what nobody captured of it is gone. Once; a repeat changes nothing. */
export async function bookExpiry(tx: Sql, payment: Payment, authorization: Authorization): Promise<void> {
  const amount = openOf(authorization)
  if (amount === 0) return
  const { id: attemptId } = await authorizeAttemptOf(tx, payment, authorization)
  await postExpiry(tx, { payment, attemptId, amount })
  await changeAuthorization(tx, authorization, {
    released: authorization.released + amount,
    expired: true,
    ...(authorization.captured === 0 ? { status: 'expired' } : {}),
  })
  await recordChange(tx, payment, { type: 'payment.expired', amount })
}

/** The attempt that made an authorization. */
export async function authorizeAttemptOf(tx: Sql, payment: Payment, { id }: Authorization): Promise<Attempt> {
  const attempts = await attemptsOf(tx, payment.id)
  const attempt = latestOf(attempts, { operation: 'authorize', authorizationId: id })
  if (attempt === undefined) throw new Error(`nothing made the authorization ${id}`)
  return attempt
}
