import type { EventPayload, EventType } from '#contracts/events.ts'
import type { PaymentStatus } from '#contracts/states.ts'
import type { Apply } from './apply.ts'

type PaymentEventType = Extract<EventType, `payment.${string}`>

/** Keeps an order's payment summary; events carry totals, so the last one is the whole truth. */
export const projectPayment: Apply = async (tx, { eventType, payload }) => {
  if (!isPayment(eventType) || !('released' in payload)) return
  const { orderId, authorized, captured, refunded, released, brand, last4 } = payload
  const status = payload.status ?? STATUS_AFTER[eventType](payload)
  await tx.$executeRaw`
    INSERT INTO order_payments (order_id, status, authorized, captured, refunded, released, brand, last4)
    VALUES (${orderId}::uuid, ${status}, ${authorized}, ${captured}, ${refunded}, ${released}, ${brand}, ${last4})
    ON CONFLICT (order_id) DO UPDATE SET status = EXCLUDED.status, authorized = EXCLUDED.authorized,
      captured = EXCLUDED.captured, refunded = EXCLUDED.refunded, released = EXCLUDED.released,
      brand = EXCLUDED.brand, last4 = EXCLUDED.last4`
}

const isPayment = (type: EventType): type is PaymentEventType => type.startsWith('payment.')

type Totals = EventPayload<PaymentEventType>

/** For events from before they said it themselves. */
const STATUS_AFTER: Record<PaymentEventType, (totals: Totals) => PaymentStatus> = {
  'payment.created': () => 'created',
  'payment.authorized': () => 'authorized',
  'payment.requires_action': () => 'requires_action',
  'payment.declined': () => 'failed',
  'payment.captured': ({ authorized, captured }) =>
    captured < authorized ? 'partially_captured' : 'captured',
  'payment.voided': ({ captured }) => (captured === 0 ? 'voided' : 'captured'),
  'payment.refunded': ({ captured, refunded }) => (refunded < captured ? 'partially_refunded' : 'refunded'),
  'payment.expired': () => 'expired',
  'payment.disputed': ({ authorized, captured }) =>
    captured < authorized ? 'partially_captured' : 'captured',
}
