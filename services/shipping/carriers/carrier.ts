/** The port to a carrier. An adapter is a folder beside this file with a `carrier.ts` that exports `createCarrier`. */
import type { Address, SkuQuantity } from '#contracts/schemas.ts'
import type { Logger } from '#platform/logger.ts'

export interface BookingRequest {
  /** Our shipment's id, by which a booking is found again. */
  reference: string
  /** What makes a repeated request the same one. */
  idempotencyKey: string
  warehouse: string
  lines: SkuQuantity[]
  address: Address
}

export type BookingStatus = 'booked' | 'dispatched' | 'delivered' | 'lost' | 'cancelled'

export interface CarrierBooking {
  id: string
  reference: string
  trackingNumber: string
  status: BookingStatus
  /** Oldest first; `at` is ISO 8601. */
  history: { status: BookingStatus; at: string }[]
}

/** What a webhook is about; what has happened is read from the carrier itself. */
export interface CarrierNotice {
  /** The carrier's id of the event: the same for every delivery of it. */
  eventId: string
  bookingId: string
}

/**
 * Every call but `verifyWebhook` and `readNotice` throws a NotSentError when nothing can have happened, a NoAnswerError
 * when the outcome is unknown, and a CarrierError when the carrier refused.
 */
export interface Carrier {
  readonly name: string
  book(request: BookingRequest): Promise<CarrierBooking>
  /** The booking of a shipment, if the carrier knows one; where it knows several, the one that is not cancelled. */
  findByReference(reference: string): Promise<CarrierBooking | undefined>
  /** @throws CarrierError also when there is no such booking */
  read(bookingId: string): Promise<CarrierBooking>
  /** `too_late`: the parcel has left. A booking that is cancelled already is `cancelled`. */
  cancel(bookingId: string): Promise<'cancelled' | 'too_late'>
  /** Whether these bytes come from the carrier, and lately. */
  verifyWebhook(raw: Buffer, headers: Readonly<Record<string, string | string[] | undefined>>): boolean
  /** @throws ValidationError or SyntaxError when the body is not what this carrier sends */
  readNotice(body: string): CarrierNotice
}

export interface CarrierOptions {
  url: string
  apiKey: string
  webhookSecret: string
  timeoutMs: number
  logger: Logger
}

/** The carrier understood the request and refused it. */
export class CarrierError extends Error {
  override readonly name = 'CarrierError'
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}
