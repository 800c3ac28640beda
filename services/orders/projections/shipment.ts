import type { EventType } from '#contracts/events.ts'
import type { ShipmentStatus } from '#contracts/states.ts'
import type { Apply } from './apply.ts'

const STATUS_AFTER: Partial<Record<EventType, ShipmentStatus>> = {
  'shipment.created': 'pending',
  'shipment.booked': 'booked',
  'shipment.dispatched': 'dispatched',
  'shipment.delivered': 'delivered',
  'shipment.lost': 'lost',
  'shipment.cancelled': 'cancelled',
}

/** Keeps an order's parcels, each with where it has been. */
export const projectShipment: Apply = async (tx, { eventType, payload }) => {
  const status = STATUS_AFTER[eventType]
  if (status === undefined || !('shipmentId' in payload)) return
  const { shipmentId, orderId, warehouse, lines, carrier, trackingNumber, at } = payload
  const step = JSON.stringify([{ status, at }])
  await tx.$executeRaw`
    INSERT INTO order_shipments AS known (id, order_id, warehouse, status, lines, carrier, tracking_number, history)
    VALUES (${shipmentId}::uuid, ${orderId}::uuid, ${warehouse}, ${status}, ${JSON.stringify(lines)}::jsonb, ${carrier},
            ${trackingNumber}, ${step}::jsonb)
    ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, carrier = EXCLUDED.carrier,
      tracking_number = EXCLUDED.tracking_number, history = known.history || EXCLUDED.history`
}
