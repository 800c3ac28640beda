import { describe, expect, it, vi } from 'vitest'
import { NoAnswerError, NotSentError } from '#platform/outbound/json-client.ts'
import { newShipment, silentLogger, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'
import type { Carrier } from './carriers/carrier.ts'
import { pollBookings } from './poll-bookings.ts'
import { createRecordParcel } from './record-parcel.ts'

const { database, transact, carrier, events, state, history, dump } = await testShipping()
const onUnsettled = vi.fn<() => void>()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled })
const cancelShipment = createCancelShipment({ transact, carrier })

const bookWith = (changes: Partial<Carrier>) =>
  createBookShipment({ transact, carrier: { ...carrier, ...changes }, onUnsettled })

const settle = () =>
  pollBookings({
    database,
    carrier,
    followBooking: () => Promise.resolve(undefined),
    everySeconds: 30,
    logger: silentLogger,
  })

describe('bookShipment', () => {
  it('creates the shipment, books it, and keeps no address', async () => {
    const shipment = newShipment()
    const { shipmentId } = shipment
    const answer = await bookShipment(shipment)
    const booking = await carrier.findByReference(shipmentId)
    expect(answer).toEqual({ outcome: 'booked', trackingNumber: booking!.trackingNumber, status: 'booked' })
    expect(await state(shipmentId)).toEqual(['booked', booking!.id, false])
    expect(await history(shipmentId)).toEqual(['pending', 'booked'])
    expect(await events(shipmentId)).toEqual([
      [1, 'shipment.created'],
      [2, 'shipment.booked'],
    ])
    const stored = await dump()
    expect(stored).toContain(shipmentId)
    for (const word of ['Ada', 'Keizersgracht', '1015']) expect(stored).not.toContain(word)
  })

  it('finds the first booking when it is repeated', async () => {
    const shipment = newShipment()
    const first = await bookShipment(shipment)
    const book = vi.fn<Carrier['book']>(carrier.book)
    expect(await bookWith({ book })(shipment)).toEqual(first)
    expect(book).not.toHaveBeenCalled()
    expect(await events(shipment.shipmentId)).toHaveLength(2)
  })

  it('says where the parcel is when it is repeated after the parcel has left', async () => {
    const shipment = newShipment()
    const { shipmentId } = shipment
    await bookShipment(shipment)
    const at = new Date().toISOString()
    await createRecordParcel({ transact })({ shipmentId, status: 'dispatched', at, source: 'carrier' })
    expect(await bookShipment(shipment)).toMatchObject({ outcome: 'booked', status: 'dispatched' })
    expect(await events(shipmentId)).toHaveLength(3)
  })

  it('makes one booking out of ten calls at once', async () => {
    const shipment = newShipment()
    await Promise.allSettled(Array.from({ length: 10 }, () => bookShipment(shipment)))
    expect((await bookShipment(shipment)).outcome).toBe('booked')
    expect(await events(shipment.shipmentId)).toHaveLength(2)
  })

  it('asks before it repeats a call whose answer never came', async () => {
    const shipment = newShipment()
    const book = vi.fn<Carrier['book']>(async (request) => {
      await carrier.book(request)
      throw new NoAnswerError('the carrier hung up')
    })
    await expect(bookWith({ book })(shipment)).rejects.toThrow('hung up')
    expect((await state(shipment.shipmentId))![0]).toBe('pending')
    const booking = await carrier.findByReference(shipment.shipmentId)
    expect(await bookWith({ book })(shipment)).toEqual({
      outcome: 'booked',
      trackingNumber: booking!.trackingNumber,
      status: 'booked',
    })
    expect(book).toHaveBeenCalledOnce()
  })

  it('books with the same key when the first call was never sent', async () => {
    const shipment = newShipment()
    const keys: string[] = []
    const book = vi.fn<Carrier['book']>((request) => {
      keys.push(request.idempotencyKey)
      if (keys.length === 1) throw new NotSentError('the carrier is away')
      return carrier.book(request)
    })
    await expect(bookWith({ book })(shipment)).rejects.toThrow('away')
    expect((await bookWith({ book })(shipment)).outcome).toBe('booked')
    expect(keys).toEqual([`${shipment.shipmentId}:book`, `${shipment.shipmentId}:book`])
  })

  it('goes on from a crash between the carrier’s answer and writing it down', async () => {
    const shipment = newShipment()
    let transactions = 0
    const crashing = createBookShipment({
      transact: (work) => {
        transactions += 1
        if (transactions === 2) throw new Error('the process died')
        return transact(work)
      },
      carrier,
      onUnsettled,
    })
    await expect(crashing(shipment)).rejects.toThrow('died')
    const booking = await carrier.findByReference(shipment.shipmentId)
    expect((await bookShipment(shipment)).outcome).toBe('booked')
    expect(await state(shipment.shipmentId)).toEqual(['booked', booking!.id, false])
  })

  it('does not book what was cancelled before', async () => {
    const shipment = newShipment()
    await cancelShipment(shipment)
    const book = vi.fn<Carrier['book']>(carrier.book)
    expect(await bookWith({ book })(shipment)).toEqual({ outcome: 'cancelled' })
    expect(book).not.toHaveBeenCalled()
    expect(await events(shipment.shipmentId)).toEqual([])
  })

  it('has a booking undone that reached the carrier after the cancellation', async () => {
    const shipment = newShipment()
    const { shipmentId } = shipment
    onUnsettled.mockClear()
    const late = bookWith({
      async book(request) {
        expect(await cancelShipment(shipment)).toBe('cancelled')
        // however long ago that was
        await database.shipment.update({ where: { id: shipmentId }, data: { unsettled: false } })
        return carrier.book(request)
      },
    })
    expect(await late(shipment)).toEqual({ outcome: 'cancelled' })
    const booking = await carrier.findByReference(shipmentId)
    expect(booking!.status).toBe('booked')
    expect(await state(shipmentId)).toEqual(['cancelled', booking!.id, true])
    expect(onUnsettled).toHaveBeenCalledOnce()
    await settle()
    expect((await carrier.read(booking!.id)).status).toBe('cancelled')
    expect(await state(shipmentId)).toEqual(['cancelled', booking!.id, false])
    expect(await events(shipmentId)).toEqual([
      [1, 'shipment.created'],
      [2, 'shipment.cancelled'],
    ])
  })

  it('has a booking undone although the process that made it died after the cancellation', async () => {
    const shipment = newShipment()
    const { shipmentId } = shipment
    const dying = bookWith({
      async book(request) {
        await cancelShipment(shipment)
        await carrier.book(request)
        throw new Error('the process died')
      },
    })
    await expect(dying(shipment)).rejects.toThrow('died')
    expect(await state(shipmentId)).toEqual(['cancelled', null, true])
    await settle()
    expect((await carrier.findByReference(shipmentId))!.status).toBe('cancelled')
    expect((await state(shipmentId))![2]).toBe(false)
  })

  it('takes no booking for its own that the carrier has cancelled already', async () => {
    const shipment = newShipment()
    const { shipmentId } = shipment
    const book = async (request: Parameters<Carrier['book']>[0]) => {
      await carrier.cancel((await carrier.book(request)).id)
      throw new NoAnswerError('the carrier hung up')
    }
    await expect(bookWith({ book })(shipment)).rejects.toThrow('hung up')
    await expect(bookShipment(shipment)).rejects.toThrow(`the booking of shipment ${shipmentId} is cancelled`)
    expect(await state(shipmentId)).toEqual(['pending', null, false])
    expect(await events(shipmentId)).toHaveLength(1)
  })

  it('never leaves a live booking of a cancelled shipment, however the two meet', async () => {
    const shipments = Array.from({ length: 20 }, () => newShipment())
    await Promise.allSettled(
      shipments.flatMap((shipment, index) =>
        index % 2 === 0
          ? [bookShipment(shipment), cancelShipment(shipment)]
          : [cancelShipment(shipment), bookShipment(shipment)],
      ),
    )
    for (const shipment of shipments) {
      expect(await cancelShipment(shipment)).toBe('cancelled')
      expect(await bookShipment(shipment)).toEqual({ outcome: 'cancelled' })
    }
    await settle()
    for (const { shipmentId } of shipments) {
      expect([undefined, 'cancelled']).toContain((await carrier.findByReference(shipmentId))?.status)
      const versions = (await events(shipmentId)).map(([version]) => version)
      expect(versions).toEqual(versions.map((_, index) => index + 1))
    }
  })
})
