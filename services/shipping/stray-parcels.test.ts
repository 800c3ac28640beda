import { describe, expect, it } from 'vitest'
import { newShipment, silentLogger, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'
import { createFollowBooking } from './follow-booking.ts'
import { pollBookings } from './poll-bookings.ts'
import { processWebhooks } from './process-webhooks.ts'
import { createFindStrayParcels } from './stray-parcels.ts'

const { database, transact, carrier, advance, events, state } = await testShipping()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled: () => {} })
const cancelShipment = createCancelShipment({ transact, carrier })
const findStrayParcels = createFindStrayParcels(database)
const followBooking = createFollowBooking({
  reportParcel: () => Promise.reject(new Error('no workflow is to be asked about a cancelled shipment')),
  logger: silentLogger,
})
const polling = { database, carrier, followBooking, everySeconds: 30, logger: silentLogger }

const strays = async () => (await findStrayParcels()).map(({ subjectId }) => subjectId)

/** Its booking reaches the carrier while it is being cancelled, and the carrier takes the parcel before that is undone. */
async function astray() {
  const shipment = newShipment()
  const late = createBookShipment({
    transact,
    carrier: {
      ...carrier,
      async book(request) {
        await cancelShipment(shipment)
        return carrier.book(request)
      },
    },
    onUnsettled: () => {},
  })
  await late(shipment)
  const booking = await carrier.findByReference(shipment.shipmentId)
  await advance(booking!.id, 'dispatched')
  return { ...shipment, bookingId: booking!.id }
}

describe('a parcel that left although its shipment is cancelled', () => {
  it('is a finding of the reconciliation, and its shipment stays as it is', async () => {
    const { shipmentId, orderId, bookingId } = await astray()
    await pollBookings(polling)
    expect((await findStrayParcels()).filter(({ subjectId }) => subjectId === shipmentId)).toEqual([
      {
        kind: 'parcel_astray',
        subjectId: shipmentId,
        orderId,
        detail: `shipment ${shipmentId} is cancelled, but the carrier sandbox has taken its parcel`,
        repaired: false,
      },
    ])
    expect(await state(shipmentId)).toEqual(['cancelled', bookingId, false])
    expect((await events(shipmentId)).map(([, type]) => type)).toEqual([
      'shipment.created',
      'shipment.cancelled',
    ])
  })

  it('is found by the carrier’s webhook as well', async () => {
    const { shipmentId, bookingId } = await astray()
    const id = `evt_${shipmentId}`
    const body = JSON.stringify({ id, type: 'parcel.dispatched', data: { bookingId } })
    await database.carrierWebhook.create({ data: { carrier: 'sandbox', id, body } })
    await processWebhooks(polling)
    const webhook = await database.carrierWebhook.findFirst({ where: { id } })
    expect(webhook).toMatchObject({
      processedAt: expect.any(Date) as Date,
      note: 'the shipment is cancelled, but its parcel has left',
    })
    expect(await strays()).toContain(shipmentId)
  })

  it('is listed for an hour, so that a run that fails does not lose it, and not for ever', async () => {
    const { shipmentId } = await astray()
    await pollBookings(polling)
    expect(await strays()).toContain(shipmentId)
    expect(await strays()).toContain(shipmentId)
    await database.shipment.update({
      where: { id: shipmentId },
      data: { astrayListedAt: new Date(Date.now() - 3_700_000) },
    })
    expect(await strays()).not.toContain(shipmentId)
  })

  it('is not what a properly cancelled one is', async () => {
    const shipment = newShipment()
    await bookShipment(shipment)
    await cancelShipment(shipment)
    await pollBookings(polling)
    expect(await strays()).not.toContain(shipment.shipmentId)
  })
})
