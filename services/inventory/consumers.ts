/** The events that the inventory service follows. */
import { subjectsOf } from '#contracts/events.ts'
import type { EventSubscription } from '#platform/service.ts'
import type { ShipReservation } from './ship-reservation.ts'

export const SHIPMENTS_CONSUMER = 'inventory-shipments'

export const inventoryConsumers = ({
  shipReservation,
}: {
  shipReservation: ShipReservation
}): EventSubscription[] => [
  {
    durable: SHIPMENTS_CONSUMER,
    subjects: [subjectsOf('shipment', 'shipping')],
    async handle(event) {
      if (event.eventType !== 'shipment.dispatched') return
      const { shipmentId, orderId, warehouse, lines } = event.payload
      await shipReservation({ eventId: event.eventId, shipmentId, orderId, warehouse, lines })
    },
  },
]
