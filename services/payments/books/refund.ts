/** Money that goes back, once per reference. Its attempts say from which authorizations. */
import type { Sql } from '#platform/database.ts'
import type { Attempt } from './attempt.ts'
import { refundableOf } from './authorization.ts'
import type { Books } from './books.ts'

export type RefundStatus = 'pending' | 'succeeded' | 'refused'

interface RefundRow {
  id: string
  paymentId: string
  reference: string
  /** Goods came back, were lost or never left; or an operator was generous. */
  kind: 'order' | 'goodwill'
  amount: bigint
  reason: string
  /** Who asked for it by hand. */
  requestedBy: string | null
  status: RefundStatus
  code: string | null
  createdAt: Date
}

/** Amounts in minor units. */
export type Refund = Omit<RefundRow, 'amount'> & { amount: number }

const toRefund = (row: RefundRow): Refund => ({ ...row, amount: Number(row.amount) })

/** All refunds of a locked payment, oldest first. */
export async function refundsOf(tx: Sql, paymentId: string): Promise<Refund[]> {
  const rows = await tx.$queryRaw<RefundRow[]>`
    SELECT id, payment_id AS "paymentId", reference, kind, amount, reason, requested_by AS "requestedBy", status, code, created_at AS "createdAt"
    FROM refunds WHERE payment_id = ${paymentId}::uuid ORDER BY created_at, id`
  return rows.map(toRefund)
}

/** The refund that an attempt belongs to. */
export async function refundOf(tx: Sql, id: string | null): Promise<Refund> {
  const rows = await tx.$queryRaw<RefundRow[]>`
    SELECT id, payment_id AS "paymentId", reference, kind, amount, reason, requested_by AS "requestedBy", status, code, created_at AS "createdAt"
    FROM refunds WHERE id = ${id}::uuid`
  const [refund] = rows.map(toRefund)
  if (refund === undefined) throw new Error(`there is no refund ${id}`)
  return refund
}

export type NewRefund = Pick<Refund, 'reference' | 'kind' | 'amount' | 'reason'> & { requestedBy?: string }

export async function addRefund(tx: Sql, paymentId: string, draft: NewRefund): Promise<Refund> {
  const { reference, kind, amount, reason, requestedBy = null } = draft
  const [row] = await tx.$queryRaw<{ id: string; createdAt: Date }[]>`
    INSERT INTO refunds (payment_id, reference, kind, amount, reason, requested_by, created_at)
    VALUES (${paymentId}::uuid, ${reference}, ${kind}, ${BigInt(amount)}, ${reason}, ${requestedBy}, clock_timestamp())
    RETURNING id, created_at AS "createdAt"`
  if (row === undefined) throw new Error(`the refund ${reference} was not stored`)
  return { ...draft, ...row, requestedBy, paymentId, status: 'pending', code: null }
}

export async function markRefund(
  tx: Sql,
  refund: Refund,
  status: RefundStatus,
  code: string | null = null,
): Promise<Refund> {
  await tx.$executeRaw`
    UPDATE refunds SET status = ${status}, code = ${code},
      settled_at = CASE WHEN ${status} = 'pending' THEN NULL ELSE clock_timestamp() END
    WHERE id = ${refund.id}::uuid`
  return { ...refund, status, code }
}

/** Less is left than it was promised. */
export async function shrinkRefund(tx: Sql, refund: Refund, amount: number): Promise<Refund> {
  await tx.$executeRaw`UPDATE refunds SET amount = ${BigInt(amount)} WHERE id = ${refund.id}::uuid`
  return { ...refund, amount }
}

/** How much of a refund has gone back, minor units. */
export const refundedBy = (attempts: readonly Attempt[], { id }: Pick<Refund, 'id'>): number =>
  attempts
    .filter(({ refundId, status }) => refundId === id && status === 'succeeded')
    .reduce((sum, { amount }) => sum + amount, 0)

/** What was captured and is neither given back, nor promised to a refund, nor in the hands of the customer's bank. */
export function leftToRefund({ authorizations, attempts }: Books, refunds: readonly Refund[]): number {
  const promised = refunds
    .filter(({ status }) => status === 'pending')
    .reduce((sum, refund) => sum + refund.amount - refundedBy(attempts, refund), 0)
  return authorizations.reduce((sum, each) => sum + refundableOf(each), 0) - promised
}
