/** The events that the inventory service follows. */
import { subscription } from '#contracts/consumers.ts'
import type { EventSubscription } from '#platform/service.ts'
import type { ServeBackorders } from './serve-backorders.ts'
import type { ShipReservation } from './ship-reservation.ts'

export const SHIPMENTS_CONSUMER = 'inventory-shipments'

export const inventoryConsumers = ({
  shipReservation,
  serveBackorders,
}: {
  shipReservation: ShipReservation
  serveBackorders: ServeBackorders
}): EventSubscription[] => [
  {
    ...subscription(SHIPMENTS_CONSUMER),
    async handle(event) {
      if (event.eventType !== 'shipment.dispatched') return
      const { shipmentId, orderId, warehouse, lines } = event.payload
      await shipReservation({ eventId: event.eventId, shipmentId, orderId, warehouse, lines })
    },
  },
  {
    // its own events: they are there after a crash, whichever process wrote them, and nobody has to look at the clock
    ...subscription('inventory-backorders'),
    handle: async () => {
      await serveBackorders()
    },
  },
]
