import type { Sql } from '#platform/database.ts'
import { attemptsOf, type Attempt } from './attempt.ts'
import { authorizationsOf, type Authorization } from './authorization.ts'
import { lockKnownPayment, type Payment } from './payment.ts'

/** A payment with everything that belongs to it, under its lock. */
export interface Books {
  payment: Payment
  authorizations: Authorization[]
  attempts: Attempt[]
}

export async function lockBooks(tx: Sql, orderId: string): Promise<Books> {
  return readBooks(tx, await lockKnownPayment(tx, orderId))
}

/** What belongs to a payment that is locked; both questions share a round trip. */
export async function readBooks(tx: Sql, payment: Payment): Promise<Books> {
  const [authorizations, attempts] = await Promise.all([
    authorizationsOf(tx, payment.id),
    attemptsOf(tx, payment.id),
  ])
  return { payment, authorizations, attempts }
}
