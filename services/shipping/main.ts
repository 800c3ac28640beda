/** The shipping service: shipments, the door to the carrier, and the workflow of each parcel. */
import { createShippingActivities } from '#activities/shipping.ts'
import { probeDatabase } from '#platform/database.ts'
import { startLoop, type Loop } from '#platform/loop.ts'
import { defineService, runService } from '#platform/service.ts'
import { startWebhookPurge } from '#platform/webhook-purge.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'
import { loadCarrier } from './carriers/load.ts'
import { shippingConfig } from './config.ts'
import { createFindShipments } from './find-shipments.ts'
import { createFollowBooking } from './follow-booking.ts'
import { createLocateParcel } from './locate-parcel.ts'
import { pollBookings } from './poll-bookings.ts'
import { processWebhooks } from './process-webhooks.ts'
import { createReceiveWebhook } from './receive-webhook.ts'
import { createRecordParcel } from './record-parcel.ts'
import { createReportParcel } from './report-parcel.ts'
import { addShippingRoutes } from './routes.ts'
import { createScanShipment } from './scan-shipment.ts'
import { openDatabase } from './store.ts'
import { createFindStrayParcels } from './stray-parcels.ts'

export const shippingService = defineService({
  name: 'shipping',
  config: shippingConfig,
  async build(context) {
    const { config, logger, temporal } = context
    const carrier = await loadCarrier(config.CARRIER, {
      url: config.CARRIER_URL,
      apiKey: config.CARRIER_API_KEY,
      webhookSecret: config.CARRIER_WEBHOOK_SECRET,
      timeoutMs: config.CARRIER_TIMEOUT_MS,
      logger,
    })
    const database = openDatabase(config.DATABASE_URL, config.DATABASE_POOL)
    const transact = context.outbox(database, config)
    const reportParcel = createReportParcel(temporal.client)
    const findShipments = createFindShipments(database)
    const followBooking = createFollowBooking({ reportParcel, logger })
    const everySeconds = config.CARRIER_POLL_SECONDS
    let webhooks: Loop | undefined
    let polling: Loop | undefined
    return {
      routes: (app, verifyCaller) =>
        addShippingRoutes(app, verifyCaller, {
          database,
          findShipments,
          scanShipment: createScanShipment({ findShipments, reportParcel }),
          receiveWebhook: createReceiveWebhook({ database, carrier, onStored: () => webhooks?.nudge() }),
        }),
      worker: {
        activities: createShippingActivities({
          bookShipment: createBookShipment({ transact, carrier, onUnsettled: () => polling?.nudge() }),
          recordParcel: createRecordParcel({ transact }),
          cancelShipment: createCancelShipment({ transact, carrier }),
          locateParcel: createLocateParcel(database),
          findStrayParcels: createFindStrayParcels(database),
        }),
        workflows: true,
      },
      consumers: [],
      background: () => {
        webhooks = startLoop({
          name: 'carrier webhooks',
          everyMs: config.WEBHOOK_POLL_MS,
          work: () => processWebhooks({ database, carrier, followBooking, logger }),
          logger,
        })
        polling = startLoop({
          name: 'parcels without news',
          everyMs: everySeconds * 1_000,
          work: () => pollBookings({ database, carrier, followBooking, everySeconds, logger }),
          logger,
        })
        return [webhooks, polling, startWebhookPurge({ database, table: 'carrier_webhooks', logger })]
      },
      probes: { database: probeDatabase(database) },
      close: () => database.$disconnect(),
    }
  },
})

if (import.meta.main) await runService(shippingService)
