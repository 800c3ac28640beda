/** The carrier itself: bookings that move by themselves or by hand, rebuilt from the ledger at start. */
import { randomInt, randomUUID } from 'node:crypto'
import type { Address, SkuQuantity } from '#contracts/schemas.ts'
import { notFound } from '#platform/problem.ts'
import type { Idempotency, RunningRequest } from '../shared/idempotency.ts'
import type { StoredAnswer } from '../shared/ledger-entries.ts'
import type { Ledger } from '../shared/ledger-file.ts'
import type { Webhooks } from '../shared/webhooks.ts'
import type { Booked, BookingStatus, CarrierEntry } from './ledger-entries.ts'
import { refuse } from './refusals.ts'

/** What the API answers. */
export interface Booking {
  id: string
  reference: string
  trackingNumber: string
  status: BookingStatus
  history: { status: BookingStatus; at: string }[]
}

export interface BookInput {
  reference: string
  warehouse: string
  lines: SkuQuantity[]
  address: Address
}

export type Movement = Exclude<BookingStatus, 'booked'>

/** A parcel with this second line in its address moves by hand only, however the carrier is configured. */
export const BY_HAND = 'SANDBOX: BY HAND'

export interface BookingsOptions {
  ledger: Ledger<CarrierEntry>
  idempotency: Idempotency
  webhooks: Webhooks | undefined
  /** From booking to dispatch and from dispatch to delivery; undefined: by hand. */
  dispatchMs: number | undefined
  deliveryMs: number | undefined
}

export type Bookings = ReturnType<typeof createBookings>

const MOVES: Readonly<Record<BookingStatus, readonly Movement[]>> = {
  booked: ['dispatched', 'cancelled'],
  dispatched: ['delivered', 'lost'],
  delivered: [],
  lost: [],
  cancelled: [],
}

export function createBookings({ ledger, idempotency, webhooks, dispatchMs, deliveryMs }: BookingsOptions) {
  const bookings = new Map<string, Booking>()
  const byReference = new Map<string, string[]>()
  const byTrackingNumber = new Map<string, string>()
  const movedByHand = new Set<string>()
  const timers = new Map<string, NodeJS.Timeout>()
  for (const entry of ledger.entries()) {
    if ('request' in entry) idempotency.restore(entry.request, entry.at)
    apply(entry)
  }
  for (const booking of bookings.values()) arm(booking)

  function apply(entry: CarrierEntry): void {
    if (entry.type === 'booking') {
      bookings.set(entry.bookingId, begin(entry))
      byReference.set(entry.reference, [...(byReference.get(entry.reference) ?? []), entry.bookingId])
      byTrackingNumber.set(entry.trackingNumber, entry.bookingId)
      if (entry.byHand === true) movedByHand.add(entry.bookingId)
    } else if (entry.type === 'movement') {
      const { status, at } = entry
      const before = find(entry.bookingId)
      bookings.set(before.id, { ...before, status, history: [...before.history, { status, at }] })
    }
  }

  /** @throws ProblemError `not_found` */
  function find(id: string): Booking {
    const booking = bookings.get(id)
    if (booking === undefined) throw notFound('booking')
    return booking
  }

  function move(booking: Booking, status: Movement): Booking {
    const { id: bookingId, reference } = booking
    const at = new Date().toISOString()
    const data = { bookingId, reference, status, at }
    const event = { id: `evt_${randomUUID()}`, type: `parcel.${status}`, createdAt: at, data }
    // who cancels knows it already
    const told = webhooks !== undefined && status !== 'cancelled'
    const entry: CarrierEntry = {
      type: 'movement',
      at,
      bookingId,
      reference,
      status,
      ...(told ? { event } : {}),
    }
    ledger.append(entry)
    apply(entry)
    if (told) webhooks.send(event)
    const moved = find(bookingId)
    arm(moved)
    return moved
  }

  /** Sets the timer of the next movement, counted from the last one. */
  function arm({ id, status, history }: Booking): void {
    clearTimeout(timers.get(id))
    timers.delete(id)
    if (movedByHand.has(id)) return
    const next = status === 'booked' ? 'dispatched' : 'delivered'
    const wait = status === 'booked' ? dispatchMs : status === 'dispatched' ? deliveryMs : undefined
    if (wait === undefined) return
    const since = Date.parse(history.at(-1)?.at ?? '')
    const timer = setTimeout(() => move(find(id), next), Math.max(0, since + wait - Date.now()))
    timers.set(id, timer)
  }

  return {
    book({ reference, warehouse, lines, address }: BookInput, request: RunningRequest): StoredAnswer {
      const entry: Booked = {
        type: 'booking',
        at: new Date().toISOString(),
        bookingId: `book_${randomUUID()}`,
        reference,
        trackingNumber: `SBX${randomInt(10 ** 12)
          .toString()
          .padStart(12, '0')}`,
        warehouse,
        lines,
        country: address.country,
        ...(address.line2 === BY_HAND ? { byHand: true } : {}),
      }
      const booking = begin(entry)
      const answer = { status: 201, contentType: 'application/json; charset=utf-8', body: booking }
      return request.settle(answer, (settled) => {
        const recorded = { ...entry, request: settled }
        ledger.append(recorded)
        apply(recorded)
        arm(booking)
      })
    },

    find,

    /** Oldest first. */
    list: (reference: string): Booking[] => (byReference.get(reference) ?? []).map(find),

    /** A repeat changes nothing. @throws Refusal `booking_dispatched` */
    cancel(id: string): Booking {
      const booking = find(id)
      if (booking.status === 'cancelled') return booking
      if (booking.status !== 'booked') throw refuse('booking_dispatched', `The parcel is ${booking.status}.`)
      return move(booking, 'cancelled')
    },

    /** Moves the parcel by hand. @throws ProblemError `not_found`, Refusal `booking_transition_refused` */
    advance(trackingNumber: string, status: Movement): Booking {
      const booking = find(byTrackingNumber.get(trackingNumber) ?? '')
      if (!MOVES[booking.status].includes(status)) {
        throw refuse('booking_transition_refused', `The parcel is ${booking.status}.`)
      }
      return move(booking, status)
    },

    stop(): void {
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

const begin = ({ bookingId, reference, trackingNumber, at }: Booked): Booking => ({
  id: bookingId,
  reference,
  trackingNumber,
  status: 'booked',
  history: [{ status: 'booked', at }],
})
