/** What the carrier's ledger holds. Of an address it keeps the country only. */
import Type, { type Static } from 'typebox'
import { Closed, SkuQuantity, Timestamp } from '#contracts/schemas.ts'
import { KeyedRequest, WebhookEntry, WebhookEvent } from '../shared/ledger-entries.ts'

export const BOOKING_STATUSES = ['booked', 'dispatched', 'delivered', 'lost', 'cancelled'] as const
export type BookingStatus = (typeof BOOKING_STATUSES)[number]

const about = { at: Timestamp, bookingId: Type.String(), reference: Type.String() }

const Booked = Closed({
  type: Type.Literal('booking'),
  ...about,
  trackingNumber: Type.String(),
  warehouse: Type.String(),
  lines: Type.Array(SkuQuantity),
  country: Type.String(),
  byHand: Type.Optional(Type.Boolean()),
  request: KeyedRequest,
})
export type Booked = Omit<Static<typeof Booked>, 'request'>

const Moved = Closed({
  type: Type.Literal('movement'),
  ...about,
  status: Type.Enum(['dispatched', 'delivered', 'lost', 'cancelled']),
  event: Type.Optional(WebhookEvent),
})

export const CarrierEntry = Type.Union([Booked, Moved, WebhookEntry])
export type CarrierEntry = Static<typeof CarrierEntry>
