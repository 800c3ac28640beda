/** Works off the carrier's stored webhooks. They only say where to look: what happened is read from the carrier. */
import type { ShipmentStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import type { Carrier } from './carriers/carrier.ts'
import type { FollowBooking } from './follow-booking.ts'
import { noteStray } from './stray-parcels.ts'

const BATCH = 10
/** How long one attempt has for itself before another process tries; doubled each time. */
const LEASE_SECONDS = 30
const LONGEST_SECONDS = 600
/** Older than this a webhook is given up: parcels under way are asked about without one (poll-bookings.ts). */
const GIVEN_UP_AFTER_SECONDS = 86_400

/** Bookings that are not ours may have any reference. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export interface WebhookProcessing {
  database: Sql
  carrier: Carrier
  followBooking: FollowBooking
  logger: Logger
}

interface StoredWebhook {
  id: string
  body: string
  attempts: number
  /** Since it came. */
  seconds: number
}

/** Takes those that are due, all at once; answers whether there may be more. One that fails is tried again later. */
export async function processWebhooks(processing: WebhookProcessing): Promise<boolean> {
  const { database, carrier } = processing
  const webhooks = await database.$queryRaw<StoredWebhook[]>`
    UPDATE carrier_webhooks SET attempts = attempts + 1, next_attempt_at =
      now() + make_interval(secs => least(${LONGEST_SECONDS}::int, ${LEASE_SECONDS}::int * 2 ^ least(attempts, 10)))
    WHERE (carrier, id) IN (
      SELECT carrier, id FROM carrier_webhooks
      WHERE carrier = ${carrier.name} AND processed_at IS NULL AND next_attempt_at <= now()
      ORDER BY received_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
    RETURNING id, body, attempts, extract(epoch FROM now() - received_at)::int AS seconds`
  await Promise.all(webhooks.map((webhook) => workOff(processing, webhook)))
  return webhooks.length === BATCH
}

async function workOff(processing: WebhookProcessing, webhook: StoredWebhook): Promise<void> {
  const { database, carrier, logger } = processing
  const { id, body, attempts, seconds } = webhook
  try {
    await finish(database, carrier.name, id, await process(processing, body))
  } catch (error) {
    const note = (error instanceof Error ? error.message : String(error)).slice(0, 500)
    if (seconds > GIVEN_UP_AFTER_SECONDS) {
      logger.error({ err: error, eventId: id, attempts }, 'a webhook is given up')
      await finish(database, carrier.name, id, `given up: ${note}`)
    } else {
      logger.warn({ err: error, eventId: id, attempts }, 'a webhook could not be worked off yet')
      await postpone(database, carrier.name, id, note, attempts)
    }
  }
}

/** @returns why there was nothing to do, if so */
async function process(
  { database, carrier, followBooking, logger }: WebhookProcessing,
  body: string,
): Promise<string | undefined> {
  const booking = await carrier.read(carrier.readNotice(body).bookingId)
  const shipment = await findShipment(database, booking.reference)
  if (shipment === undefined) return 'the parcel is not one of ours'
  if (shipment.status === 'pending') throw new Error(`shipment ${shipment.id} does not know its booking yet`)
  if (shipment.status === 'cancelled') {
    if (booking.history.every(({ status }) => status !== 'dispatched')) return 'the shipment is cancelled'
    await noteStray(database, shipment.id, logger)
    return 'the shipment is cancelled, but its parcel has left'
  }
  return followBooking(shipment.id, booking, shipment.seen)
}

async function findShipment(database: Sql, reference: string) {
  if (!UUID.test(reference)) return undefined
  const [shipment] = await database.$queryRaw<{ id: string; status: ShipmentStatus; seen: string[] }[]>`
    SELECT id, status, ARRAY(SELECT status FROM shipment_history WHERE shipment_id = ${reference}::uuid) AS seen
    FROM shipments WHERE id = ${reference}::uuid`
  return shipment
}

async function finish(database: Sql, carrier: string, id: string, note: string | undefined): Promise<void> {
  await database.$executeRaw`
    UPDATE carrier_webhooks SET processed_at = now(), note = ${note ?? null}
    WHERE carrier = ${carrier} AND id = ${id}`
}

/** Sooner than the lease would end, since this attempt is over: one second at first. */
async function postpone(
  database: Sql,
  carrier: string,
  id: string,
  note: string,
  attempts: number,
): Promise<void> {
  await database.$executeRaw`
    UPDATE carrier_webhooks SET note = ${note},
      next_attempt_at = now() + make_interval(secs => least(${LONGEST_SECONDS}::int, 2 ^ least(${attempts - 1}::int, 10)))
    WHERE carrier = ${carrier} AND id = ${id} AND processed_at IS NULL`
}
