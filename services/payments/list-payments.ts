import { Payment } from '#contracts/http/payments.ts'
import { notFound } from '#platform/problem.ts'
import { parser } from '#platform/validation.ts'
import { presentRefund } from './present-payment.ts'
import type { Store } from './store.ts'

export interface PaymentsQuery {
  orderId: string
  /** Whose payments these must be; absent for those who see everything. */
  customerId?: string
}

const parsePayment = parser('a stored payment', Payment)

export type ListPayments = ReturnType<typeof createListPayments>

export function createListPayments({ database }: { database: Store }) {
  /** @throws ProblemError `not_found` when the order has none, or none that this customer may know of */
  return async function listPayments({ orderId, customerId }: PaymentsQuery): Promise<Payment[]> {
    const rows = await database.payment.findMany({
      // a tombstone is no payment
      where: { orderId, currency: { not: null }, ...(customerId === undefined ? {} : { customerId }) },
      include: {
        attempts: { orderBy: [{ createdAt: 'asc' }, { sequence: 'asc' }] },
        authorizations: { orderBy: { sequence: 'asc' } },
        refunds: { orderBy: { createdAt: 'asc' } },
      },
    })
    if (rows.length === 0) throw notFound('order with a payment')
    return rows.map(({ id, status, currency, brand, last4, createdAt, ...row }) =>
      parsePayment({
        id,
        orderId,
        status,
        currency,
        amount: Number(row.amount),
        authorized: Number(row.authorized),
        captured: Number(row.captured),
        refunded: Number(row.refunded),
        released: Number(row.released),
        disputed: Number(row.disputed),
        method: { brand, last4 },
        authorizations: row.authorizations.map((authorization) => ({
          shipmentId: authorization.shipmentId,
          status: authorization.status,
          standing: authorization.standing,
          amount: Number(authorization.amount),
          captured: Number(authorization.captured),
          refunded: Number(authorization.refunded),
          released: Number(authorization.released),
          expiresAt: authorization.expiresAt?.toISOString() ?? null,
        })),
        attempts: row.attempts.map((attempt) => ({
          operation: attempt.operation,
          status: attempt.status,
          amount: Number(attempt.amount),
          errorCode: attempt.errorCode,
          createdAt: attempt.createdAt.toISOString(),
        })),
        refunds: row.refunds.map(presentRefund),
        createdAt: createdAt.toISOString(),
      }),
    )
  }
}
