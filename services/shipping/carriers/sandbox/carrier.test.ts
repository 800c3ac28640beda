import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { NoAnswerError, NotSentError } from '#platform/outbound/json-client.ts'
import { newShipment, testCarrier } from '#tests/support/shipping.ts'
import { CarrierError } from '../carrier.ts'
import { loadCarrier } from '../load.ts'
import { createCarrier } from './carrier.ts'

const { options, advance } = await testCarrier()
const carrier = createCarrier(options)

function request() {
  const { shipmentId, warehouse, lines, address } = newShipment()
  return { reference: shipmentId, idempotencyKey: `${shipmentId}:book`, warehouse, lines, address }
}

describe('the adapter to the sandbox’s carrier', () => {
  it('books once per key, and finds the booking by reference and by id', async () => {
    const wanted = request()
    const booking = await carrier.book(wanted)
    expect(booking).toMatchObject({ reference: wanted.reference, status: 'booked' })
    expect(await carrier.book(wanted)).toEqual(booking)
    expect(await carrier.findByReference(wanted.reference)).toEqual(booking)
    expect(await carrier.read(booking.id)).toEqual(booking)
    expect(await carrier.findByReference(randomUUID())).toBeUndefined()
  })

  it('cancels what has not left, and again', async () => {
    const booking = await carrier.book(request())
    expect([await carrier.cancel(booking.id), await carrier.cancel(booking.id)]).toEqual([
      'cancelled',
      'cancelled',
    ])
    const other = await carrier.book(request())
    await advance(other.id, 'dispatched')
    expect(await carrier.cancel(other.id)).toBe('too_late')
    expect((await carrier.read(other.id)).history.map(({ status }) => status)).toEqual([
      'booked',
      'dispatched',
    ])
  })

  it('prefers a live booking to a cancelled one of the same shipment', async () => {
    const wanted = request()
    const first = await carrier.book(wanted)
    await carrier.cancel(first.id)
    const second = await carrier.book({ ...wanted, idempotencyKey: randomUUID() })
    expect((await carrier.findByReference(wanted.reference))!.id).toBe(second.id)
  })

  it('says what was refused without repeating the address', async () => {
    const failure: unknown = await carrier
      .book({ ...request(), warehouse: 'not a warehouse' })
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(CarrierError)
    expect(String(failure)).toContain('400 validation_failed')
    await expect(createCarrier({ ...options, apiKey: 'wrong' }).read('book_1')).rejects.toThrow('401')
    await expect(carrier.read('book_none')).rejects.toMatchObject({ status: 404 })
  })

  it('tells a call that never left from one without an answer', async () => {
    const broken = createServer((_request, response) =>
      response.writeHead(500, { connection: 'close' }).end(),
    )
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`
    const unlucky = createCarrier({ ...options, url })
    await expect(unlucky.book(request())).rejects.toBeInstanceOf(NoAnswerError)
    await new Promise((resolve) => broken.close(resolve))
    await expect(unlucky.book(request())).rejects.toBeInstanceOf(NotSentError)
  })
})

describe('loadCarrier', () => {
  it('finds an adapter by the name of its folder', async () => {
    expect((await loadCarrier('sandbox', options)).name).toBe('sandbox')
    await expect(loadCarrier('pigeon', options)).rejects.toThrow('The carrier pigeon cannot be loaded')
  })
})
