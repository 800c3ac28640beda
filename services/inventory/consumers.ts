/** The events that the inventory service follows. */
import { subjectsOf } from '#contracts/events.ts'
import type { EventSubscription } from '#platform/service.ts'
import { SERVING_EVENTS, type ServeBackorders } from './serve-backorders.ts'
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
    durable: SHIPMENTS_CONSUMER,
    subjects: [subjectsOf('shipment', 'shipping')],
    async handle(event) {
      if (event.eventType !== 'shipment.dispatched') return
      const { shipmentId, orderId, warehouse, lines } = event.payload
      await shipReservation({ eventId: event.eventId, shipmentId, orderId, warehouse, lines })
    },
  },
  {
    // its own events: they are there after a crash, whichever process wrote them, and nobody has to look at the clock
    durable: 'inventory-backorders',
    subjects: SERVING_EVENTS.map((type) => subjectsOf(type, 'inventory')),
    handle: async () => {
      await serveBackorders()
    },
  },
]
