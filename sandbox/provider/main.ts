/** The sandbox's payment provider: `node sandbox/provider/main.ts`. */
import { loadConfig, type Environment } from '#platform/config.ts'
import { runProcess } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { parser } from '#platform/validation.ts'
import { createIdempotency } from '../shared/idempotency.ts'
import { startOutsideProcess, type OutsideProcess } from '../shared/outside-process.ts'
import { createBook } from './book.ts'
import { providerConfig } from './config.ts'
import { ProviderEntry } from './ledger-entries.ts'
import { createProvider } from './provider.ts'
import { actionRoutes, apiRoutes } from './routes.ts'

const HOUR_MS = 3_600_000

/** @throws ConfigError, PortInUseError or LedgerError */
export async function startProvider(environment: Environment, logger?: Logger): Promise<OutsideProcess> {
  const config = loadConfig(providerConfig, environment)
  return startOutsideProcess<ProviderEntry>({
    name: 'provider',
    host: config.HOST,
    port: config.PROVIDER_PORT,
    apiKey: config.PROVIDER_API_KEY,
    ledger: {
      file: config.PROVIDER_LEDGER,
      parse: parser("an entry of the provider's ledger", ProviderEntry),
    },
    webhooks: {
      url: config.PROVIDER_WEBHOOK_URL,
      secret: config.PROVIDER_WEBHOOK_SECRET,
      header: 'provider-signature',
      retryMs: config.PROVIDER_WEBHOOK_RETRY_MS,
    },
    slowMs: config.PROVIDER_SLOW_MS,
    logLevel: config.LOG_LEVEL,
    logger,
    build({ ledger, webhooks, pause, url }) {
      const idempotency = createIdempotency({
        lifetimeMs: config.PROVIDER_KEY_LIFETIME_HOURS * HOUR_MS,
        secret: config.PROVIDER_API_KEY,
      })
      const actionUrl = (token: string) => `${url()}/authentications/${token}`
      const book = createBook({ ledger, idempotency, webhooks, actionUrl })
      const provider = createProvider({
        book,
        pause,
        multicapture: config.PROVIDER_MULTICAPTURE,
        authorizationMs: config.PROVIDER_AUTHORIZATION_HOURS * HOUR_MS,
        hangMs: config.PROVIDER_HANG_MS,
        slowMs: config.PROVIDER_SLOW_MS,
      })
      const capabilities = {
        multicapture: config.PROVIDER_MULTICAPTURE,
        keyLifetimeHours: config.PROVIDER_KEY_LIFETIME_HOURS,
        lookupByReference: true,
      }
      return {
        api: (scope) => apiRoutes(scope, { book, provider, idempotency, capabilities }),
        pages: (scope) => actionRoutes(scope, { book, provider }),
        clearFaults: () => provider.clearFaults(),
      }
    },
  })
}

if (import.meta.main) {
  await runProcess({
    title: "The sandbox's payment provider",
    config: providerConfig,
    start: () => startProvider(process.env),
  })
}
