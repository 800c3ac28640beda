import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStep } from '#platform/temporal/step-conformance.ts'
import { newShipment, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'

const { transact, carrier } = await testShipping()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled: () => {} })
const cancelShipment = createCancelShipment({ transact, carrier })

describeStep({ describe, it, expect, beforeAll, afterAll }, 'bookShipment', async () => ({
  undone: 'cancelled',
  async order() {
    const shipment = newShipment()
    return {
      execute: () => bookShipment(shipment),
      compensate: () => cancelShipment(shipment),
      async effects() {
        const booking = await carrier.findByReference(shipment.shipmentId)
        return booking === undefined || booking.status === 'cancelled' ? 0 : 1
      },
    }
  },
  stop: () => Promise.resolve(),
}))
