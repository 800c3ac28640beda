/** A payment: the money of one order. Its row is the lock for everything that happens to it. */
import type { EventPayload, EventType } from '#contracts/events.ts'
import { isTerminal, mayMove, PAYMENT, type PaymentStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent } from '#platform/events/outbox.ts'
import { authorizationsOf, type Authorization } from './authorization.ts'
import { statusOf, sumsOf, type PaymentSums } from './payment-status.ts'

interface PaymentRow {
  id: string
  orderId: string
  customerId: string | null
  currency: string | null
  amount: bigint
  status: PaymentStatus
  authorized: bigint
  captured: bigint
  refunded: bigint
  released: bigint
  disputed: bigint
  provider: string
  brand: string | null
  last4: string | null
  /** Voided, now or as soon as the outcome of what is in flight is known. */
  tombstone: boolean
  /** Requests up to this one that have not come yet come too late. */
  closedRequest: number
  eventVersion: number
}

type Sums = 'amount' | keyof PaymentSums

/** Amounts in minor units. */
export type Payment = Omit<PaymentRow, Sums> & Record<Sums, number>

const toPayment = (row: PaymentRow): Payment => ({
  ...row,
  amount: Number(row.amount),
  authorized: Number(row.authorized),
  captured: Number(row.captured),
  refunded: Number(row.refunded),
  released: Number(row.released),
  disputed: Number(row.disputed),
})

/** Locks the order's payment until the transaction ends. */
export async function lockPayment(tx: Sql, orderId: string): Promise<Payment | undefined> {
  const [row] = await tx.$queryRaw<PaymentRow[]>`
    SELECT id, order_id AS "orderId", customer_id AS "customerId", currency, amount, status, authorized, captured, refunded,
           released, disputed, provider, brand, last4, voided_at IS NOT NULL AS tombstone,
           closed_request AS "closedRequest", event_version AS "eventVersion"
    FROM payments WHERE order_id = ${orderId}::uuid FOR NO KEY UPDATE`
  return row === undefined ? undefined : toPayment(row)
}

/** Locks a payment that must exist. */
export async function lockKnownPayment(tx: Sql, orderId: string): Promise<Payment> {
  const payment = await lockPayment(tx, orderId)
  if (payment === undefined) throw new Error(`order ${orderId} has no payment`)
  return payment
}

export interface NewPayment {
  orderId: string
  customerId: string
  amount: number
  currency: string
  paymentMethod: string
  provider: string
}

/** Creates the order's payment, or finds the one it has, and locks it. */
export async function findOrCreatePayment(tx: Sql, order: NewPayment): Promise<Payment> {
  const status: PaymentStatus = order.amount === 0 ? 'not_required' : 'created'
  const created = await tx.$executeRaw`
    INSERT INTO payments (order_id, customer_id, currency, amount, payment_method, status, provider, event_version)
    VALUES (${order.orderId}::uuid, ${order.customerId}::uuid, ${order.currency}, ${BigInt(order.amount)},
            ${order.paymentMethod}, ${status}, ${order.provider}, 1)
    ON CONFLICT (order_id) DO NOTHING`
  const payment = await lockKnownPayment(tx, order.orderId)
  if (created === 1) await announce(tx, payment, { type: 'payment.created', amount: payment.amount })
  return payment
}

/** From now on nothing of this order may stay authorized; where there is no payment yet, a late one finds this. */
export async function setTombstone(tx: Sql, orderId: string, provider: string): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO payments AS known (order_id, amount, status, provider, voided_at)
    VALUES (${orderId}::uuid, 0, 'voided', ${provider}, now())
    ON CONFLICT (order_id) DO UPDATE SET voided_at = now() WHERE known.voided_at IS NULL`
}

/** What the order costs now and how it is paid. */
export async function setAmount(
  tx: Sql,
  payment: Payment,
  { amount, paymentMethod }: { amount: number; paymentMethod: string },
): Promise<Payment> {
  await tx.$executeRaw`
    UPDATE payments SET amount = ${BigInt(amount)}, payment_method = ${paymentMethod} WHERE id = ${payment.id}::uuid`
  return { ...payment, amount }
}

/** Requests up to this one that have not come yet come too late. */
export async function closeRequests(tx: Sql, payment: Payment, upTo: number): Promise<void> {
  await tx.$executeRaw`
    UPDATE payments SET closed_request = greatest(closed_request, ${upTo}) WHERE id = ${payment.id}::uuid`
}

interface PaymentEvent {
  type: EventType & `payment.${string}`
  /** What this event moved, minor units. */
  amount: number
  code?: string
  /** Why money goes back. */
  refundFor?: EventPayload<'payment.refunded'>['refundFor']
  /** Who gave it back by hand. */
  refundedBy?: string | null
}

/** Brings a locked payment to what its authorizations say, with the event that tells of it. */
export async function recordChange(tx: Sql, before: Payment, event: PaymentEvent): Promise<Payment> {
  const authorizations = await authorizationsOf(tx, before.id)
  const latest = authorizations.findLast(({ standing, brand }) => standing === 'current' && brand !== null)
  const after: Payment = {
    ...before,
    ...sumsOf(authorizations),
    status: nextStatus(before, authorizations),
    brand: latest?.brand ?? before.brand,
    last4: latest?.last4 ?? before.last4,
    eventVersion: before.eventVersion + 1,
  }
  await tx.$executeRaw`
    UPDATE payments
    SET status = ${after.status}, authorized = ${BigInt(after.authorized)}, captured = ${BigInt(after.captured)},
        refunded = ${BigInt(after.refunded)}, released = ${BigInt(after.released)}, disputed = ${BigInt(after.disputed)},
        brand = ${after.brand}, last4 = ${after.last4}, event_version = ${after.eventVersion}, updated_at = now()
    WHERE id = ${before.id}::uuid`
  await announce(tx, after, event)
  return after
}

/** A payment that has ended keeps its ending while what came too late is released. */
function nextStatus(before: Payment, authorizations: Authorization[]): PaymentStatus {
  if (isTerminal(PAYMENT, before.status)) return before.status
  const status = statusOf({ ...before, authorizations })
  if (status !== before.status && !mayMove(PAYMENT, before.status, status))
    throw new Error(`payment ${before.id} cannot go from ${before.status} to ${status}`)
  return status
}

async function announce(
  tx: Sql,
  payment: Payment,
  { type, amount, code, refundFor, refundedBy = null }: PaymentEvent,
): Promise<void> {
  const { id, orderId, authorized, captured, refunded, released, disputed, brand, last4, status } = payment
  await appendEvent(tx, {
    type,
    aggregateId: id,
    version: payment.eventVersion,
    payload: {
      paymentId: id,
      orderId,
      currency: currencyOf(payment),
      amount,
      authorized,
      captured,
      refunded,
      released,
      disputed,
      brand,
      last4,
      status,
      code: code ?? null,
      ...(refundFor === undefined ? {} : { refundFor }),
      ...(refundedBy === null ? {} : { refundedBy }),
    },
  })
}

/** The currency of a payment that is no mere tombstone. */
export function currencyOf({ id, currency }: Payment): string {
  if (currency === null) throw new Error(`payment ${id} is a tombstone: it has no money`)
  return currency
}
