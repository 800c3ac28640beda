import type { EventPayload, EventType } from '#contracts/events.ts'
import type { PaymentStatus } from '#contracts/states.ts'
import type { Apply } from '../consumers.ts'

type PaymentEventType = Extract<EventType, `payment.${string}`>

/** Keeps an order's payment summary; events carry totals, so the last one is the whole truth. */
export const projectPayment: Apply = async (tx, { eventType, payload }) => {
  if (!isPayment(eventType) || !('released' in payload)) return
  const { orderId, authorized, captured, refunded, released, brand, last4 } = payload
  const status = statusOf(eventType, payload)
  await tx.$executeRaw`
    INSERT INTO order_payments (order_id, status, authorized, captured, refunded, released, brand, last4)
    VALUES (${orderId}::uuid, ${status}, ${authorized}, ${captured}, ${refunded}, ${released}, ${brand}, ${last4})
    ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status, authorized = EXCLUDED.authorized,
      captured = EXCLUDED.captured, refunded = EXCLUDED.refunded, released = EXCLUDED.released,
      brand = EXCLUDED.brand, last4 = EXCLUDED.last4`
}

const isPayment = (type: EventType): type is PaymentEventType => type.startsWith('payment.')

function statusOf(type: PaymentEventType, payload: EventPayload<PaymentEventType>): PaymentStatus {
  const { authorized, captured, refunded } = payload
  switch (type) {
    case 'payment.created':
      return 'created'
    case 'payment.authorized':
      return 'authorized'
    case 'payment.declined':
      return 'failed'
    case 'payment.captured':
      return captured < authorized ? 'partially_captured' : 'captured'
    case 'payment.voided':
      return captured === 0 ? 'voided' : 'captured'
    case 'payment.refunded':
      return refunded < captured ? 'partially_refunded' : 'refunded'
  }
}
