import { Payment } from '#contracts/http/payments.ts'
import { notFound } from '#platform/problem.ts'
import { parser } from '#platform/validation.ts'
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
      include: { attempts: { orderBy: [{ createdAt: 'asc' }, { sequence: 'asc' }] } },
    })
    if (rows.length === 0) throw notFound('order with a payment')
    return rows.map(({ id, status, currency, brand, last4, createdAt, attempts, ...sums }) =>
      parsePayment({
        id,
        orderId,
        status,
        currency,
        amount: Number(sums.amount),
        authorized: Number(sums.authorized),
        captured: Number(sums.captured),
        refunded: Number(sums.refunded),
        released: Number(sums.released),
        method: { brand, last4 },
        attempts: attempts.map((attempt) => ({
          operation: attempt.operation,
          status: attempt.status,
          amount: Number(attempt.amount),
          errorCode: attempt.errorCode,
          createdAt: attempt.createdAt.toISOString(),
        })),
        createdAt: createdAt.toISOString(),
      }),
    )
  }
}
