/** A payment: the money of one order. Its row is the lock for everything that happens to it. */
import type { EventType } from '#contracts/events.ts'
import { mayMove, PAYMENT, type PaymentStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent } from '#platform/events/outbox.ts'

interface PaymentRow {
  id: string
  orderId: string
  customerId: string | null
  currency: string | null
  amount: bigint
  paymentMethod: string | null
  status: PaymentStatus
  authorized: bigint
  captured: bigint
  refunded: bigint
  released: bigint
  provider: string
  providerAuthorizationId: string | null
  brand: string | null
  last4: string | null
  /** Voided, now or as soon as the outcome of what is in flight is known. */
  tombstone: boolean
  eventVersion: number
}

type Sums = 'amount' | 'authorized' | 'captured' | 'refunded' | 'released'

/** Amounts in minor units. */
export type Payment = Omit<PaymentRow, Sums> & Record<Sums, number>

const toPayment = (row: PaymentRow): Payment => ({
  ...row,
  amount: Number(row.amount),
  authorized: Number(row.authorized),
  captured: Number(row.captured),
  refunded: Number(row.refunded),
  released: Number(row.released),
})

/** Authorized and neither captured nor released. */
export const openOf = ({ authorized, captured, released }: Payment): number =>
  authorized - captured - released

/** Locks the order's payment until the transaction ends. */
export async function lockPayment(tx: Sql, orderId: string): Promise<Payment | undefined> {
  const [row] = await tx.$queryRaw<PaymentRow[]>`
    SELECT id, order_id AS "orderId", customer_id AS "customerId", currency, amount, payment_method AS "paymentMethod",
           status, authorized, captured, refunded, released, provider,
           provider_authorization_id AS "providerAuthorizationId", brand, last4, voided_at IS NOT NULL AS tombstone,
           event_version AS "eventVersion"
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

type Change = Partial<
  Pick<
    Payment,
    'status' | 'authorized' | 'captured' | 'released' | 'providerAuthorizationId' | 'brand' | 'last4'
  >
>

interface PaymentEvent {
  type: EventType & `payment.${string}`
  /** What this event moved, minor units. */
  amount: number
  code?: string
}

/** Writes a change of a locked payment with its event. */
export async function changePayment(
  tx: Sql,
  before: Payment,
  change: Change,
  event: PaymentEvent,
): Promise<Payment> {
  const after = { ...before, ...change, eventVersion: before.eventVersion + 1 }
  if (after.status !== before.status && !mayMove(PAYMENT, before.status, after.status)) {
    throw new Error(`payment ${before.id} cannot go from ${before.status} to ${after.status}`)
  }
  await tx.$executeRaw`
    UPDATE payments
    SET status = ${after.status}, authorized = ${BigInt(after.authorized)}, captured = ${BigInt(after.captured)},
        released = ${BigInt(after.released)}, provider_authorization_id = ${after.providerAuthorizationId},
        brand = ${after.brand}, last4 = ${after.last4}, event_version = ${after.eventVersion}, updated_at = now()
    WHERE id = ${before.id}::uuid`
  await announce(tx, after, event)
  return after
}

async function announce(tx: Sql, payment: Payment, { type, amount, code }: PaymentEvent): Promise<void> {
  const { id, orderId, authorized, captured, refunded, released, brand, last4 } = payment
  const currency = currencyOf(payment)
  await appendEvent(tx, {
    type,
    aggregateId: id,
    version: payment.eventVersion,
    payload: {
      paymentId: id,
      orderId,
      currency,
      amount,
      authorized,
      captured,
      refunded,
      released,
      brand,
      last4,
      code: code ?? null,
    },
  })
}

/** The currency of a payment that is no mere tombstone. */
export function currencyOf({ id, currency }: Payment): string {
  if (currency === null) throw new Error(`payment ${id} is a tombstone: it has no money`)
  return currency
}
