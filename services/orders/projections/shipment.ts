import type { AnyDomainEvent, EventType } from '#contracts/events.ts'
import type { ShipmentStatus } from '#contracts/states.ts'
import type { OrdersTransaction } from '../store.ts'

const STATUS_AFTER: Partial<Record<EventType, ShipmentStatus>> = {
  'shipment.created': 'pending',
  'shipment.booked': 'booked',
  'shipment.dispatched': 'dispatched',
  'shipment.delivered': 'delivered',
  'shipment.lost': 'lost',
  'shipment.cancelled': 'cancelled',
}

export interface ReturnPolicy {
  RETURN_DAYS: number
}

/** Keeps an order's parcels, each with where it has been, and until when what it brought may be returned. */
export async function projectShipment(
  { RETURN_DAYS }: ReturnPolicy,
  tx: OrdersTransaction,
  { eventType, payload }: AnyDomainEvent,
): Promise<void> {
  const status = STATUS_AFTER[eventType]
  if (status === undefined || !('shipmentId' in payload)) return
  const { shipmentId, orderId, warehouse, lines, carrier, trackingNumber, at } = payload
  const step = JSON.stringify([{ status, at }])
  // the rule of the day of the delivery stands, whatever the rule is later
  const deliveredAt = status === 'delivered' ? at : null
  await tx.$executeRaw`
    INSERT INTO order_shipments AS known (id, order_id, warehouse, status, lines, carrier, tracking_number, history,
                                          returnable_until)
    VALUES (${shipmentId}::uuid, ${orderId}::uuid, ${warehouse}, ${status}, ${JSON.stringify(lines)}::jsonb, ${carrier},
            ${trackingNumber}, ${step}::jsonb, ${deliveredAt}::timestamptz + make_interval(days => ${RETURN_DAYS}))
    ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, carrier = EXCLUDED.carrier,
      tracking_number = EXCLUDED.tracking_number, history = known.history || EXCLUDED.history,
      returnable_until = EXCLUDED.returnable_until`
}
