/**
 * Asks the carrier about parcels that are under way and of which nothing was heard: webhooks get lost. And undoes bookings
 * that reached the carrier while their shipment was being cancelled.
 */
import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import { NotSentError } from '#platform/outbound/json-client.ts'
import type { Carrier } from './carriers/carrier.ts'
import type { FollowBooking } from './follow-booking.ts'
import { noteStray } from './stray-parcels.ts'

const BATCH = 50
/** A parcel is on its way for days: it is asked about after a tenth of the time without news again, at least hourly. */
const PATIENCE = 10
const RAREST_SECONDS = 3_600
/** After this long no request for a booking can still be on its way. */
const SETTLED_AFTER_SECONDS = 600

export interface Polling {
  database: Sql
  carrier: Carrier
  followBooking: FollowBooking
  /** How long a parcel is left alone after news of it, and the shortest time between two questions. */
  everySeconds: number
  logger: Logger
}

interface Due {
  id: string
  bookingId: string | null
  unsettled: boolean
  /** Where it is known to have been. */
  seen: string[]
  /** Since the shipment last changed. */
  seconds: number
}

/** Takes the parcels that are due; answers whether there may be more. One that fails has its turn again. */
export async function pollBookings(polling: Polling): Promise<boolean> {
  const { database, everySeconds, logger } = polling
  const due = await database.$queryRaw<Due[]>`
    UPDATE shipments SET polled_at = now() WHERE id IN (
      SELECT id FROM shipments
      WHERE (status IN ('booked', 'dispatched') OR unsettled)
        AND coalesce(greatest(polled_at, CASE WHEN unsettled THEN NULL ELSE updated_at END), '-infinity')
          < now() - make_interval(secs => CASE WHEN unsettled THEN ${everySeconds}::int ELSE
            least(${RAREST_SECONDS}::int, greatest(${everySeconds}::int, extract(epoch FROM now() - updated_at) / ${PATIENCE}::int))
          END)
      ORDER BY polled_at NULLS FIRST LIMIT ${BATCH} FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING id, booking_id AS "bookingId", unsettled, extract(epoch FROM now() - updated_at)::int AS seconds,
      ARRAY(SELECT h.status FROM shipment_history h WHERE h.shipment_id = shipments.id) AS seen`
  for (const shipment of due) {
    try {
      await (shipment.unsettled ? undo(polling, shipment) : follow(polling, shipment))
    } catch (error) {
      logger.warn({ err: error, shipmentId: shipment.id }, 'the carrier could not be asked about a parcel')
      if (error instanceof NotSentError) return false
    }
  }
  return due.length === BATCH
}

async function follow({ carrier, followBooking }: Polling, { id, bookingId, seen }: Due): Promise<void> {
  if (bookingId === null) throw new Error(`shipment ${id} is under way without a booking`)
  await followBooking(id, await carrier.read(bookingId), seen)
}

/** The shipment is cancelled: so must its booking be, if there is one. */
async function undo({ database, carrier, logger }: Polling, { id, bookingId, seconds }: Due): Promise<void> {
  const booking = bookingId === null ? await carrier.findByReference(id) : await carrier.read(bookingId)
  if (booking === undefined && seconds < SETTLED_AFTER_SECONDS) return
  if (booking !== undefined && (await carrier.cancel(booking.id)) === 'too_late') {
    await noteStray(database, id, logger)
  }
  await database.$executeRaw`
    UPDATE shipments SET unsettled = false, carrier = coalesce(carrier, ${booking === undefined ? null : carrier.name}),
      booking_id = coalesce(booking_id, ${booking?.id ?? null})
    WHERE id = ${id}::uuid`
}
