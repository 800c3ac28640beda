/** The sandbox's carrier: `node sandbox/carrier/main.ts`. */
import { loadConfig, type Environment } from '#platform/config.ts'
import { runProcess } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { parser } from '#platform/validation.ts'
import { createIdempotency } from '../shared/idempotency.ts'
import { startOutsideProcess, type OutsideProcess } from '../shared/outside-process.ts'
import { createBookings } from './bookings.ts'
import { carrierConfig, waitOf } from './config.ts'
import { CarrierEntry } from './ledger-entries.ts'
import { apiRoutes, handRoutes } from './routes.ts'

const HOUR_MS = 3_600_000

/** @throws ConfigError, PortInUseError or LedgerError */
export async function startCarrier(environment: Environment, logger?: Logger): Promise<OutsideProcess> {
  const config = loadConfig(carrierConfig, environment)
  return startOutsideProcess<CarrierEntry>({
    name: 'carrier',
    host: config.HOST,
    port: config.CARRIER_PORT,
    apiKey: config.CARRIER_API_KEY,
    ledger: { file: config.CARRIER_LEDGER, parse: parser("an entry of the carrier's ledger", CarrierEntry) },
    webhooks: {
      url: config.CARRIER_WEBHOOK_URL,
      secret: config.CARRIER_WEBHOOK_SECRET,
      header: 'carrier-signature',
      retryMs: config.CARRIER_WEBHOOK_RETRY_MS,
    },
    slowMs: config.CARRIER_SLOW_MS,
    logLevel: config.LOG_LEVEL,
    logger,
    build({ ledger, webhooks }) {
      const idempotency = createIdempotency({
        lifetimeMs: config.CARRIER_KEY_LIFETIME_HOURS * HOUR_MS,
        secret: config.CARRIER_API_KEY,
      })
      const bookings = createBookings({
        ledger,
        idempotency,
        webhooks,
        dispatchMs: waitOf(config.CARRIER_DISPATCH_MS),
        deliveryMs: waitOf(config.CARRIER_DELIVERY_MS),
      })
      return {
        api: (scope) => apiRoutes(scope, { bookings, idempotency }),
        hand: (scope) => handRoutes(scope, bookings),
        stop: async () => bookings.stop(),
      }
    },
  })
}

if (import.meta.main) {
  await runProcess({
    title: "The sandbox's carrier",
    config: carrierConfig,
    start: () => startCarrier(process.env),
  })
}
