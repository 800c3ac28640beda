import { describe, expect, it } from 'vitest'
import { NotSentError } from '#platform/outbound/json-client.ts'
import { newShipment, silentLogger, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'
import { pollBookings } from './poll-bookings.ts'

const { database, transact, carrier, advance, events, state } = await testShipping()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled: () => {} })
const cancelShipment = createCancelShipment({ transact, carrier })

async function booked() {
  const shipment = newShipment()
  await bookShipment(shipment)
  const booking = await carrier.findByReference(shipment.shipmentId)
  return { ...shipment, bookingId: booking!.id }
}

describe('cancelShipment', () => {
  it('cancels the booking, then the shipment, once', async () => {
    const shipment = await booked()
    expect(await Promise.all([1, 2, 3].map(() => cancelShipment(shipment)))).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
    ])
    expect((await carrier.read(shipment.bookingId)).status).toBe('cancelled')
    expect(await state(shipment.shipmentId)).toEqual(['cancelled', shipment.bookingId, false])
    expect(await events(shipment.shipmentId)).toEqual([
      [1, 'shipment.created'],
      [2, 'shipment.booked'],
      [3, 'shipment.cancelled'],
    ])
  })

  it('comes too late for a parcel that the carrier has taken, and changes nothing', async () => {
    const shipment = await booked()
    await advance(shipment.bookingId, 'dispatched')
    expect(await cancelShipment(shipment)).toBe('too_late')
    expect(await state(shipment.shipmentId)).toEqual(['booked', shipment.bookingId, false])
    expect(await events(shipment.shipmentId)).toHaveLength(2)
  })

  it('changes nothing while the carrier is away', async () => {
    const shipment = await booked()
    const away = createCancelShipment({
      transact,
      carrier: { ...carrier, cancel: () => Promise.reject(new NotSentError('the carrier is away')) },
    })
    await expect(away(shipment)).rejects.toThrow('away')
    expect(await state(shipment.shipmentId)).toEqual(['booked', shipment.bookingId, false])
  })

  it('leaves the shipment to the next try when it is booked meanwhile', async () => {
    const shipment = newShipment()
    const slow = createBookShipment({
      transact,
      carrier: { ...carrier, book: () => Promise.reject(new NotSentError('the carrier is away')) },
      onUnsettled: () => {},
    })
    await expect(slow(shipment)).rejects.toThrow('away')
    const interrupted = createCancelShipment({
      transact,
      carrier: {
        ...carrier,
        async findByReference() {
          await bookShipment(shipment)
          return undefined
        },
      },
    })
    await expect(interrupted(shipment)).rejects.toThrow('moved while it was being cancelled')
    expect((await state(shipment.shipmentId))![0]).toBe('booked')
    expect(await cancelShipment(shipment)).toBe('cancelled')
    expect((await carrier.findByReference(shipment.shipmentId))!.status).toBe('cancelled')
  })

  it('leaves one silent tombstone where there is no shipment', async () => {
    const shipment = newShipment()
    await Promise.all([1, 2, 3].map(() => cancelShipment(shipment)))
    expect(await state(shipment.shipmentId)).toEqual(['cancelled', null, false])
    expect(await events(shipment.shipmentId)).toEqual([])
  })

  it('looks for a late booking until none can come any more', async () => {
    const shipment = newShipment()
    const { shipmentId } = shipment
    const unsent = createBookShipment({
      transact,
      carrier: { ...carrier, book: () => Promise.reject(new NotSentError('the carrier is away')) },
      onUnsettled: () => {},
    })
    await expect(unsent(shipment)).rejects.toThrow('away')
    expect(await cancelShipment(shipment)).toBe('cancelled')
    const poll = () =>
      pollBookings({
        database,
        carrier,
        followBooking: () => Promise.resolve(undefined),
        everySeconds: 30,
        logger: silentLogger,
      })
    await poll()
    expect(await state(shipmentId)).toEqual(['cancelled', null, true])
    const longAgo = new Date(Date.now() - 700_000)
    await database.shipment.update({
      where: { id: shipmentId },
      data: { updatedAt: longAgo, polledAt: longAgo },
    })
    await poll()
    expect(await state(shipmentId)).toEqual(['cancelled', null, false])
  })
})
