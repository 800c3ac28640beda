/**
 * The shop's own vans instead of a carrier. The schedule is a map here and would be a table; what matters is what every
 * carrier owes the platform: bookings by key, found again by our reference, and one winner when a cancellation meets the
 * departure.
 */
import { createHmac } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import Type from 'typebox'
import { parser } from '#platform/validation.ts'
import { verifySignature } from '#platform/webhook-signature.ts'
import {
  CarrierError,
  type BookingRequest,
  type BookingStatus,
  type Carrier,
  type CarrierBooking,
  type CarrierOptions,
} from '#services/shipping/carriers/carrier.ts'

const SIGNATURE_HEADER = 'carrier-signature'

/** What the dispatcher's desk does; a carrier far away does it by itself. */
export interface Desk {
  move(trackingNumber: string, to: 'dispatched' | 'delivered' | 'lost'): void
}

export interface Notice {
  raw: Buffer
  headers: Record<string, string>
}

const FROM: Record<Parameters<Desk['move']>[1], BookingStatus> = {
  dispatched: 'booked',
  delivered: 'dispatched',
  lost: 'dispatched',
}

const parseNotice = parser(
  'a notice',
  Type.Object({ eventId: Type.String({ minLength: 1 }), bookingId: Type.String({ minLength: 1 }) }),
)

/** What the shipping service loads; the notices are sent by the desk's own program. */
export const createCarrier = (options: CarrierOptions): Carrier => createVans(options, () => {})

/** @param tell sends what `POST /api/v1/webhooks/carriers/vans` is to receive */
export function createVans(
  { webhookSecret }: Pick<CarrierOptions, 'webhookSecret'>,
  tell: (notice: Notice) => void,
): Carrier & Desk {
  const bookings = new Map<string, CarrierBooking>()
  const keys = new Map<string, { request: BookingRequest; id: string }>()

  function known(id: string): CarrierBooking {
    const booking = bookings.get(id)
    if (booking === undefined) throw new CarrierError('there is no such booking', 404)
    return booking
  }

  function put(booking: CarrierBooking, status: BookingStatus): CarrierBooking {
    const history = [...booking.history, { status, at: new Date().toISOString() }]
    const moved = { ...booking, status, history }
    bookings.set(booking.id, moved)
    return moved
  }

  function book(request: BookingRequest): CarrierBooking {
    // never with the address in the message: it ends up in a log
    if (request.lines.length === 0) throw new CarrierError('a parcel has to contain something', 400)
    const earlier = keys.get(request.idempotencyKey)
    if (earlier !== undefined) {
      if (isDeepStrictEqual(earlier.request, request)) return known(earlier.id)
      throw new CarrierError('this key was used for another parcel', 409)
    }
    const id = `van_${bookings.size + 1}`
    keys.set(request.idempotencyKey, { request, id })
    const { reference } = request
    const empty = { id, reference, trackingNumber: `VAN-${bookings.size + 1}`, history: [] }
    return put({ ...empty, status: 'booked' }, 'booked')
  }

  return {
    name: 'vans',
    book: async (request) => book(request),
    async findByReference(reference) {
      const ours = [...bookings.values()].filter((booking) => booking.reference === reference)
      return ours.find(({ status }) => status !== 'cancelled') ?? ours.at(-1)
    },
    read: async (id) => known(id),
    async cancel(id) {
      const booking = known(id)
      if (booking.status !== 'booked' && booking.status !== 'cancelled') return 'too_late'
      if (booking.status === 'booked') put(booking, 'cancelled')
      return 'cancelled'
    },
    verifyWebhook(raw, headers) {
      const signature = headers[SIGNATURE_HEADER]
      return typeof signature === 'string' && verifySignature(raw, signature, webhookSecret)
    },
    readNotice: (body) => parseNotice(JSON.parse(body)),
    move(trackingNumber, to) {
      const booking = [...bookings.values()].find((each) => each.trackingNumber === trackingNumber)
      if (booking?.status !== FROM[to]) throw new Error(`${trackingNumber} cannot be ${to}`)
      const { id, history } = put(booking, to)
      tell(sign({ eventId: `${id}:${history.length}`, bookingId: id }))
    },
  }

  function sign(notice: ReturnType<typeof parseNotice>): Notice {
    const raw = Buffer.from(JSON.stringify(notice))
    const time = Math.floor(Date.now() / 1000)
    const signature = createHmac('sha256', webhookSecret).update(`${time}.`).update(raw).digest('hex')
    return { raw, headers: { [SIGNATURE_HEADER]: `t=${time},v1=${signature}` } }
  }
}
