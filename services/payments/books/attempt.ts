/** One intention to move money at the provider, written with its key before anything is sent. */
import { ATTEMPT, isTerminal, type AttemptStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'

/** The error code of what was given up before anything came of it. */
export const GIVEN_UP = 'given_up'

export type AttemptOperation = 'authorize' | 'capture' | 'void' | 'refund'

interface AttemptRow {
  id: string
  operation: AttemptOperation
  sequence: number
  key: string
  amount: bigint
  shipping: bigint
  shipmentId: string | null
  /** Null where it was refused because nothing is authorized. */
  authorizationId: string | null
  refundId: string | null
  status: AttemptStatus
  errorCode: string | null
  /** Unknown until the customer has approved or refused it. */
  waiting: boolean
  /** Somebody may be waiting for the provider's answer. */
  inFlight: boolean
  /** An operator has settled it otherwise: it is not sent any more, only asked about. */
  givenUp: boolean
  /** Since it was sent first; null before. */
  ageSeconds: number | null
}

export type Attempt = Omit<AttemptRow, 'amount' | 'shipping'> & { amount: number; shipping: number }

const toAttempt = (row: AttemptRow): Attempt => ({
  ...row,
  amount: Number(row.amount),
  shipping: Number(row.shipping),
})

/** All attempts of a locked payment, oldest first. Those that are added join them. */
export async function attemptsOf(tx: Sql, paymentId: string): Promise<Attempt[]> {
  const rows = await tx.$queryRaw<AttemptRow[]>`
    SELECT id, operation, sequence, key, amount, shipping, shipment_id AS "shipmentId", status, error_code AS "errorCode",
           authorization_id AS "authorizationId", refund_id AS "refundId", waiting,
           coalesce(deadline > clock_timestamp(), false) AS "inFlight", given_up_at IS NOT NULL AS "givenUp",
           extract(epoch FROM clock_timestamp() - sent_at)::float8 AS "ageSeconds"
    FROM attempts WHERE payment_id = ${paymentId}::uuid ORDER BY created_at, operation, sequence`
  return rows.map(toAttempt)
}

export const isSettled = ({ status }: Attempt): boolean => isTerminal(ATTEMPT, status)

/** The one attempt of a payment whose outcome is open; one that waits for the customer moves nothing meanwhile. */
export const unsettledOf = (attempts: readonly Attempt[]): Attempt | undefined =>
  attempts.find(({ status, waiting }) => (status === 'sent' || status === 'unknown') && !waiting)

/** The latest attempt that has all of this. */
export const latestOf = (
  attempts: readonly Attempt[],
  wanted: Pick<Attempt, 'operation'> & Partial<Pick<Attempt, 'shipmentId' | 'authorizationId' | 'refundId'>>,
): Attempt | undefined =>
  attempts
    .filter((attempt) =>
      (['operation', 'shipmentId', 'authorizationId', 'refundId'] as const).every(
        (field) => !(field in wanted) || attempt[field] === wanted[field],
      ),
    )
    .toSorted((a, b) => b.sequence - a.sequence)[0]

/** The sequence number that the next attempt of an operation gets. */
export const nextSequence = (attempts: readonly Attempt[], operation: AttemptOperation): number =>
  attempts.filter((attempt) => attempt.operation === operation).length + 1

export interface NewAttempt {
  operation: AttemptOperation
  amount: number
  authorizationId: string | null
  shipping?: number
  shipmentId?: string
  refundId?: string
  /** Why it is refused without asking the provider. */
  refusal?: string
}

/** Adds the payment's next attempt of this operation with its key. */
export async function addAttempt(
  tx: Sql,
  { payment, attempts }: { payment: { id: string; orderId: string }; attempts: Attempt[] },
  { operation, amount, authorizationId, shipping = 0, shipmentId, refundId, refusal }: NewAttempt,
): Promise<Attempt> {
  const sequence = nextSequence(attempts, operation)
  const key = `${payment.orderId}:${operation}:${sequence}`
  const status: AttemptStatus = refusal === undefined ? 'created' : 'declined'
  const [row] = await tx.$queryRaw<{ id: string }[]>`
    INSERT INTO attempts (payment_id, operation, sequence, key, amount, shipping, shipment_id, authorization_id, refund_id,
                          status, error_code, created_at, settled_at)
    VALUES (${payment.id}::uuid, ${operation}, ${sequence}, ${key}, ${BigInt(amount)}, ${BigInt(shipping)},
            ${shipmentId ?? null}::uuid, ${authorizationId}::uuid, ${refundId ?? null}::uuid, ${status}, ${refusal ?? null},
            clock_timestamp(), CASE WHEN ${status} = 'declined' THEN clock_timestamp() END)
    RETURNING id`
  if (row === undefined) throw new Error(`attempt ${key} was not stored`)
  const attempt: Attempt = {
    id: row.id,
    operation,
    sequence,
    key,
    amount,
    shipping,
    shipmentId: shipmentId ?? null,
    authorizationId,
    refundId: refundId ?? null,
    status,
    errorCode: refusal ?? null,
    waiting: false,
    inFlight: false,
    givenUp: false,
    ageSeconds: null,
  }
  attempts.push(attempt)
  return attempt
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

/** The customer decides; the provider is asked when they may have. */
export async function markWaiting(tx: Sql, attempt: Attempt): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempts SET status = 'unknown', waiting = true, deadline = NULL
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

/** An operator has settled it otherwise. What was never sent ends with that; what was is only asked about from now on. */
export async function markGivenUp(tx: Sql, attempt: Attempt): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempts SET given_up_at = coalesce(given_up_at, clock_timestamp()),
      error_code = CASE status WHEN 'created' THEN ${GIVEN_UP} ELSE error_code END,
      settled_at = CASE status WHEN 'created' THEN clock_timestamp() ELSE settled_at END,
      status = CASE status WHEN 'created' THEN 'declined' ELSE status END
    WHERE id = ${attempt.id}::uuid`
}

/** Its outcome is known for good. */
export async function markSettled(
  tx: Sql,
  attempt: Attempt,
  status: 'succeeded' | 'declined',
  errorCode: string | null = null,
): Promise<void> {
  await tx.$executeRaw`
    UPDATE attempts SET status = ${status}, error_code = ${errorCode}, settled_at = clock_timestamp(), deadline = NULL, waiting = false
    WHERE id = ${attempt.id}::uuid AND status IN ('sent', 'unknown')`
}
