/** One intention to move money at the provider, written with its key before anything is sent. */
import { ATTEMPT, isTerminal, type AttemptStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import type { Payment } from './payment.ts'

export type AttemptOperation = 'authorize' | 'capture' | 'void'

interface AttemptRow {
  id: string
  operation: AttemptOperation
  sequence: number
  key: string
  amount: bigint
  shipping: bigint
  shipmentId: string | null
  status: AttemptStatus
  errorCode: string | null
  /** Somebody may be waiting for the provider's answer. */
  inFlight: boolean
  /** Since it was sent first; null before. */
  ageSeconds: number | null
}

export type Attempt = Omit<AttemptRow, 'amount' | 'shipping'> & { amount: number; shipping: number }

const toAttempt = (row: AttemptRow): Attempt => ({
  ...row,
  amount: Number(row.amount),
  shipping: Number(row.shipping),
})

/** All attempts of a locked payment, oldest first. */
export async function attemptsOf(tx: Sql, paymentId: string): Promise<Attempt[]> {
  const rows = await tx.$queryRaw<AttemptRow[]>`
    SELECT id, operation, sequence, key, amount, shipping, shipment_id AS "shipmentId", status, error_code AS "errorCode",
           coalesce(deadline > clock_timestamp(), false) AS "inFlight",
           extract(epoch FROM clock_timestamp() - sent_at)::float8 AS "ageSeconds"
    FROM attempts WHERE payment_id = ${paymentId}::uuid ORDER BY created_at, operation, sequence`
  return rows.map(toAttempt)
}

export const isSettled = ({ status }: Attempt): boolean => isTerminal(ATTEMPT, status)

/** The one attempt of a payment whose outcome is open. */
export const unsettledOf = (attempts: readonly Attempt[]): Attempt | undefined =>
  attempts.find(({ status }) => status === 'sent' || status === 'unknown')

/** The latest attempt of an operation; of a capture, the one for that shipment. */
export const latestOf = (
  attempts: readonly Attempt[],
  operation: AttemptOperation,
  shipmentId: string | null = null,
): Attempt | undefined =>
  attempts
    .filter((attempt) => attempt.operation === operation && attempt.shipmentId === shipmentId)
    .toSorted((a, b) => b.sequence - a.sequence)[0]

export interface NewAttempt {
  operation: AttemptOperation
  amount: number
  shipping?: number
  shipmentId?: string
  /** Why it is refused without asking the provider. */
  refusal?: string
}

/** Adds the payment's next attempt of this operation with its key. */
export async function addAttempt(
  tx: Sql,
  payment: Payment,
  attempts: readonly Attempt[],
  { operation, amount, shipping = 0, shipmentId, refusal }: NewAttempt,
): Promise<Attempt> {
  const sequence = attempts.filter((attempt) => attempt.operation === operation).length + 1
  const key = `${payment.orderId}:${operation}:${sequence}`
  const status: AttemptStatus = refusal === undefined ? 'created' : 'declined'
  const [row] = await tx.$queryRaw<{ id: string }[]>`
    INSERT INTO attempts (payment_id, operation, sequence, key, amount, shipping, shipment_id, status, error_code,
                          created_at, settled_at)
    VALUES (${payment.id}::uuid, ${operation}, ${sequence}, ${key}, ${BigInt(amount)}, ${BigInt(shipping)},
            ${shipmentId ?? null}::uuid, ${status}, ${refusal ?? null}, clock_timestamp(),
            CASE WHEN ${status} = 'declined' THEN clock_timestamp() END)
    RETURNING id`
  if (row === undefined) throw new Error(`attempt ${key} was not stored`)
  return {
    id: row.id,
    operation,
    sequence,
    key,
    amount,
    shipping,
    shipmentId: shipmentId ?? null,
    status,
    errorCode: refusal ?? null,
    inFlight: false,
    ageSeconds: null,
  }
}

/** It is about to be sent; until the deadline others leave it alone. */
export async function markSent(tx: Sql, attempt: Attempt, patienceMs: number): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempts SET status = 'sent', sent_at = clock_timestamp(),
      deadline = clock_timestamp() + make_interval(secs => ${patienceMs / 1000}::float8)
    WHERE id = ${attempt.id}::uuid AND status = 'created'`
}

/** Whoever sent it is gone, or got no answer: it is settled by asking, by us, until the deadline. */
export async function markAsking(tx: Sql, attempt: Attempt, patienceMs: number): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempts SET status = 'unknown',
      deadline = clock_timestamp() + make_interval(secs => ${patienceMs / 1000}::float8)
    WHERE id = ${attempt.id}::uuid AND status IN ('sent', 'unknown')`
}

/** Nobody waits for an answer any more; the next who comes asks. */
export async function markUnknown(tx: Sql, attempt: Attempt): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempts SET status = 'unknown', deadline = NULL
    WHERE id = ${attempt.id}::uuid AND status IN ('sent', 'unknown')`
}

/** It never left this process. What was sent before by somebody else stays unknown. */
export async function markNotSent(tx: Sql, attempt: Attempt): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempts SET deadline = NULL,
      status = CASE status WHEN 'sent' THEN 'created' ELSE status END,
      sent_at = CASE status WHEN 'sent' THEN NULL ELSE sent_at END
    WHERE id = ${attempt.id}::uuid AND status IN ('sent', 'unknown')`
}

/** Its outcome is known for good. */
export async function markSettled(
  tx: Sql,
  attempt: Attempt,
  status: 'succeeded' | 'declined',
  errorCode: string | null = null,
): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempts SET status = ${status}, error_code = ${errorCode}, settled_at = clock_timestamp(), deadline = NULL
    WHERE id = ${attempt.id}::uuid AND status IN ('sent', 'unknown')`
}
