import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStep } from '#platform/temporal/step-conformance.ts'
import { newShipment, silentLogger, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'
import type { Carrier } from './carriers/carrier.ts'
import { pollBookings } from './poll-bookings.ts'

const { database, transact, carrier } = await testShipping()

/** It takes its time, so that a cancellation comes while a request for a booking is on its way. */
const slowCarrier: Carrier = {
  ...carrier,
  async book(request) {
    await sleep(50)
    return carrier.book(request)
  },
}
const bookShipment = createBookShipment({ transact, carrier: slowCarrier, onUnsettled: () => {} })
const cancelShipment = createCancelShipment({ transact, carrier })

/** What such a request booked is undone by the loop that asks the carrier about parcels. */
const undoUnsettled = () =>
  pollBookings({
    database,
    carrier,
    followBooking: () => Promise.resolve(undefined),
    everySeconds: 0,
    logger: silentLogger,
  })

describeStep({ describe, it, expect, beforeAll, afterAll }, 'bookShipment', async () => ({
  undone: 'cancelled',
  async order() {
    const shipment = newShipment()
    return {
      execute: () => bookShipment(shipment),
      compensate: () => cancelShipment(shipment),
      async effects() {
        await undoUnsettled()
        const booking = await carrier.findByReference(shipment.shipmentId)
        return booking === undefined || booking.status === 'cancelled' ? 0 : 1
      },
    }
  },
  stop: () => Promise.resolve(),
}))
