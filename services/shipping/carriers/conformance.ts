/** What every carrier must do, whichever it is: each adapter's test runs this against the carrier's test environment. */
import { randomUUID } from 'node:crypto'
import type * as vitest from 'vitest'
import { CarrierError, type BookingRequest, type Carrier } from './carrier.ts'

type Vitest = Pick<typeof vitest, 'describe' | 'it' | 'expect' | 'beforeAll' | 'afterAll' | 'vi'>

/** A webhook as it came. */
export interface SeenWebhook {
  raw: Buffer
  headers: Record<string, string>
}

export interface CarrierUnderTest {
  carrier: Carrier
  /** Where this carrier collects, and an address that it delivers to. */
  where: Pick<BookingRequest, 'warehouse' | 'address'>
  /** Moves a parcel in the carrier's world; none of them moves by itself. */
  move(booking: { trackingNumber: string }, to: 'dispatched' | 'delivered' | 'lost'): Promise<void>
  /** Every webhook that the carrier has sent, oldest first. */
  webhooks(): readonly SeenWebhook[]
  stop(): Promise<void>
}

/**
 * Declares the tests.
 *
 * @example describeCarrier({ describe, it, expect, beforeAll, afterAll, vi }, 'sandbox', startSandbox)
 */
export function describeCarrier(
  { describe, it, expect, beforeAll, afterAll, vi }: Vitest,
  name: string,
  start: () => Promise<CarrierUnderTest>,
): void {
  describe(`the carrier ${name}`, () => {
    let subject: CarrierUnderTest
    let carrier: Carrier

    beforeAll(async () => {
      subject = await start()
      carrier = subject.carrier
    })
    afterAll(() => subject.stop())

    function request(reference: string = randomUUID()): BookingRequest {
      const lines = [{ sku: 'TEE-BLACK-M', quantity: 2 }]
      return { ...subject.where, reference, idempotencyKey: `${reference}:book`, lines }
    }

    const book = () => carrier.book(request())

    const statuses = async (id: string) => (await carrier.read(id)).history.map(({ status }) => status)

    it('books a parcel and finds it by its id', async () => {
      const wanted = request()
      const booking = await carrier.book(wanted)
      expect(booking).toMatchObject({ reference: wanted.reference, status: 'booked' })
      expect(booking.trackingNumber).not.toBe('')
      expect(await carrier.read(booking.id)).toEqual(booking)
      expect(await statuses(booking.id)).toEqual(['booked'])
    })

    it('makes one booking of a repeated key, also when all come at once', async () => {
      const wanted = request()
      const together = await Promise.allSettled(Array.from({ length: 5 }, () => carrier.book(wanted)))
      const ids = together.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.id] : []))
      ids.push((await carrier.book(wanted)).id)
      expect(new Set(ids).size).toBe(1)
      expect((await carrier.findByReference(wanted.reference))?.id).toBe(ids[0])
    })

    it('does not execute a key again with another parcel', async () => {
      const wanted = request()
      const booking = await carrier.book(wanted)
      const other = { ...request(), idempotencyKey: wanted.idempotencyKey }
      await expect(carrier.book(other)).rejects.toBeInstanceOf(CarrierError)
      expect(await carrier.findByReference(other.reference)).toBeUndefined()
      expect(await carrier.read(booking.id)).toEqual(booking)
    })

    it('finds a booking by our reference, and only that', async () => {
      const wanted = request()
      const booking = await carrier.book(wanted)
      expect(await carrier.findByReference(wanted.reference)).toEqual(booking)
      expect(await carrier.findByReference(randomUUID())).toBeUndefined()
    })

    it('prefers a live booking to a cancelled one of the same reference', async () => {
      const first = await book()
      await carrier.cancel(first.id)
      expect(await carrier.findByReference(first.reference)).toMatchObject({
        id: first.id,
        status: 'cancelled',
      })
      const second = await carrier.book({ ...request(first.reference), idempotencyKey: randomUUID() })
      expect(await carrier.findByReference(first.reference)).toMatchObject({
        id: second.id,
        status: 'booked',
      })
    })

    it('cancels what has not left, and a repeat changes nothing', async () => {
      const { id } = await book()
      expect([await carrier.cancel(id), await carrier.cancel(id)]).toEqual(['cancelled', 'cancelled'])
      expect(await carrier.read(id)).toMatchObject({ status: 'cancelled' })
      expect(await statuses(id)).toEqual(['booked', 'cancelled'])
    })

    it('says that it is too late once the parcel has left, and changes nothing', async () => {
      const booking = await book()
      await subject.move(booking, 'dispatched')
      expect(await carrier.cancel(booking.id)).toBe('too_late')
      expect(await statuses(booking.id)).toEqual(['booked', 'dispatched'])
      await subject.move(booking, 'delivered')
      expect(await carrier.cancel(booking.id)).toBe('too_late')
      expect(await statuses(booking.id)).toEqual(['booked', 'dispatched', 'delivered'])
    })

    it('lets either the cancellation or the dispatch win', async () => {
      const bookings = await Promise.all(Array.from({ length: 5 }, book))
      for (const booking of bookings) {
        const [cancelled, dispatched] = await Promise.allSettled([
          carrier.cancel(booking.id),
          subject.move(booking, 'dispatched'),
        ])
        const { status } = await carrier.read(booking.id)
        expect([cancelled, dispatched.status, status]).toEqual(
          status === 'dispatched'
            ? [{ status: 'fulfilled', value: 'too_late' }, 'fulfilled', 'dispatched']
            : [{ status: 'fulfilled', value: 'cancelled' }, 'rejected', 'cancelled'],
        )
      }
    })

    it('tells where a parcel has been, oldest first, up to its loss', async () => {
      const booking = await book()
      await subject.move(booking, 'dispatched')
      await subject.move(booking, 'lost')
      const { status, history } = await carrier.read(booking.id)
      expect(status).toBe('lost')
      expect(history.map((move) => move.status)).toEqual(['booked', 'dispatched', 'lost'])
      const times = history.map(({ at }) => at)
      expect(times).toEqual(times.map((at) => new Date(at).toISOString()).toSorted())
    })

    it('refuses what it does not know, without repeating an address', async () => {
      await expect(carrier.read('nobody-knows')).rejects.toBeInstanceOf(CarrierError)
      await expect(carrier.cancel('nobody-knows')).rejects.toBeInstanceOf(CarrierError)
      const refused: unknown = await carrier
        .book({ ...request(), lines: [] })
        .catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(CarrierError)
      expect(String(refused)).not.toContain(subject.where.address.line1)
      expect(String(refused)).not.toContain(subject.where.address.name)
    })

    it('tells a movement by a webhook that only it can have signed', async () => {
      const booking = await book()
      await subject.move(booking, 'dispatched')
      const about = ({ raw }: SeenWebhook) => carrier.readNotice(raw.toString()).bookingId === booking.id
      const { raw, headers } = await vi.waitFor(
        () => {
          const seen = subject.webhooks().find(about)
          if (seen === undefined) throw new Error('no webhook of the movement came')
          return seen
        },
        { timeout: 10_000 },
      )
      expect(carrier.verifyWebhook(raw, headers)).toBe(true)
      expect(carrier.readNotice(raw.toString()).eventId).not.toBe('')
      expect(carrier.verifyWebhook(Buffer.concat([raw, Buffer.from(' ')]), headers)).toBe(false)
      expect(carrier.verifyWebhook(raw, {})).toBe(false)
      for (const strange of ['', 'nonsense', '{}']) expect(() => carrier.readNotice(strange)).toThrow()
    })
  })
}
