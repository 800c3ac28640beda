import { describe, expect, it } from 'vitest'
import { NotSentError } from '#platform/outbound/json-client.ts'
import { newShipment, silentLogger, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'
import { pollBookings } from './poll-bookings.ts'
import { createRecordParcel } from './record-parcel.ts'

const { database, transact, carrier, advance, events, state } = await testShipping()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled: () => {} })
const cancelShipment = createCancelShipment({ transact, carrier })
const recordParcel = createRecordParcel({ transact })

const seen = (shipmentId: string) =>
  ({ shipmentId, status: 'dispatched', at: new Date().toISOString(), source: 'carrier' }) as const

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

  it('loses to a dispatch that comes just before its word reaches the carrier, and beats one just after', async () => {
    const [leaving, staying] = [await booked(), await booked()]
    const cancelWith = (around: (bookingId: string) => Promise<'cancelled' | 'too_late'>) =>
      createCancelShipment({ transact, carrier: { ...carrier, cancel: around } })
    const overtaken = cancelWith(async (bookingId) => {
      await advance(bookingId, 'dispatched')
      return carrier.cancel(bookingId)
    })
    expect(await overtaken(leaving)).toBe('too_late')
    expect((await state(leaving.shipmentId))![0]).toBe('booked')
    expect(await recordParcel(seen(leaving.shipmentId))).toBe('recorded')
    expect((await state(leaving.shipmentId))![0]).toBe('dispatched')

    const faster = cancelWith(async (bookingId) => {
      const answer = await carrier.cancel(bookingId)
      await expect(advance(bookingId, 'dispatched')).rejects.toThrow('booking_transition_refused')
      return answer
    })
    expect(await faster(staying)).toBe('cancelled')
    expect(await recordParcel(seen(staying.shipmentId))).toBe('refused')
    expect(await state(staying.shipmentId)).toEqual(['cancelled', staying.bookingId, false])
  })

  it('lets exactly one of a cancellation and a report of the dispatch stand, whichever comes first', async () => {
    const shipments = await Promise.all(Array.from({ length: 12 }, booked))
    await Promise.allSettled(
      shipments.flatMap((shipment, index) => {
        const calls = [() => cancelShipment(shipment), () => recordParcel(seen(shipment.shipmentId))]
        return (index % 2 === 0 ? calls : calls.toReversed()).map((call) => call())
      }),
    )
    for (const shipment of shipments) {
      const settled = await cancelShipment(shipment)
      const recorded = await recordParcel(seen(shipment.shipmentId))
      expect([
        ['cancelled', 'refused'],
        ['too_late', 'recorded'],
      ]).toContainEqual([settled, recorded])
      expect(await events(shipment.shipmentId)).toHaveLength(3)
    }
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
