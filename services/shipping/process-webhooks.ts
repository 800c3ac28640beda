/** Works off the carrier's stored webhooks. They only say where to look: what happened is read from the carrier. */
import type { ShipmentStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import type { Carrier } from './carriers/carrier.ts'
import type { FollowBooking } from './follow-booking.ts'

const BATCH = 10
/** How long one attempt has for itself before another process tries; doubled each time. */
const LEASE_SECONDS = 30
const LONGEST_SECONDS = 600

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
}

/** Takes those that are due; answers whether there were any. One that fails is tried again later. */
export async function processWebhooks(processing: WebhookProcessing): Promise<boolean> {
  const { database, carrier, logger } = processing
  const webhooks = await database.$queryRaw<StoredWebhook[]>`
    UPDATE carrier_webhooks SET attempts = attempts + 1, next_attempt_at =
      now() + make_interval(secs => least(${LONGEST_SECONDS}::int, ${LEASE_SECONDS}::int * 2 ^ least(attempts, 10)))
    WHERE (carrier, id) IN (
      SELECT carrier, id FROM carrier_webhooks
      WHERE carrier = ${carrier.name} AND processed_at IS NULL AND next_attempt_at <= now()
      ORDER BY received_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
    RETURNING id, body, attempts`
  for (const { id, body, attempts } of webhooks) {
    try {
      await finish(database, carrier.name, id, await process(processing, body))
    } catch (error) {
      logger.warn({ err: error, eventId: id, attempts }, 'a webhook could not be worked off yet')
      await postpone(database, carrier.name, id, error, attempts)
    }
  }
  return webhooks.length > 0
}

/** @returns why there was nothing to do, if so */
async function process(
  { database, carrier, followBooking }: WebhookProcessing,
  body: string,
): Promise<string | undefined> {
  const booking = await carrier.read(carrier.readNotice(body).bookingId)
  const [shipment] = await database.$queryRaw<{ id: string; status: ShipmentStatus }[]>`
    SELECT id, status FROM shipments WHERE id::text = ${booking.reference}`
  if (shipment === undefined) return 'the parcel is not one of ours'
  if (shipment.status === 'pending') throw new Error(`shipment ${shipment.id} does not know its booking yet`)
  return followBooking(shipment.id, booking)
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
  error: unknown,
  attempts: number,
): Promise<void> {
  const note = error instanceof Error ? error.message : String(error)
  await database.$executeRaw`
    UPDATE carrier_webhooks SET note = ${note.slice(0, 500)},
      next_attempt_at = now() + make_interval(secs => least(${LONGEST_SECONDS}::int, 2 ^ least(${attempts - 1}::int, 10)))
    WHERE carrier = ${carrier} AND id = ${id} AND processed_at IS NULL`
}
