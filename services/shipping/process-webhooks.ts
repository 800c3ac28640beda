/**
 * Works off the carrier's stored webhooks. They only say where to look: what happened is read from the carrier. One may be
 * given up: parcels under way are asked about without one (poll-bookings.ts).
 */
import type { ShipmentStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import { createWebhookQueue, WEBHOOK_BATCH } from '#platform/webhook-queue.ts'
import type { Carrier } from './carriers/carrier.ts'
import type { FollowBooking } from './follow-booking.ts'
import { noteStray } from './stray-parcels.ts'

/** Bookings that are not ours may have any reference. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export interface WebhookProcessing {
  database: Sql
  carrier: Carrier
  followBooking: FollowBooking
  logger: Logger
}

/** Takes those that are due, all at once; answers whether there may be more. One that fails is tried again later. */
export async function processWebhooks(processing: WebhookProcessing): Promise<boolean> {
  const { database, carrier, logger } = processing
  const queue = createWebhookQueue<{ body: string }>({
    database,
    table: 'carrier_webhooks',
    sender: carrier.name,
    columns: 'body',
    logger,
  })
  const webhooks = await queue.take()
  await Promise.all(
    webhooks.map((webhook) =>
      queue.workOff(webhook, async () => ({ note: await process(processing, webhook.body) })),
    ),
  )
  return webhooks.length === WEBHOOK_BATCH
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
