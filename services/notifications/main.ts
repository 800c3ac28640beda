/** The notifications service: what happens to orders and parcels, told through channels. It keeps no database. */
import { channelConsumer } from '#contracts/consumers.ts'
import { loadConfig } from '#platform/config.ts'
import type { Probe } from '#platform/health.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import { createJsonClient } from '#platform/outbound/json-client.ts'
import { defineService, runService } from '#platform/service.ts'
import { createServiceTokenSigner } from '#platform/service-token.ts'
import { openBucket } from './buckets.ts'
import type { ChannelContext } from './channels/channel.ts'
import { loadChannel } from './channels/load.ts'
import { notificationsConfig } from './config.ts'
import { createFindContact } from './contacts.ts'
import { createOrderCustomers } from './order-customers.ts'
import { addKeyRoute } from './routes.ts'
import { createSendOnce } from './send-once.ts'

const DAY_MS = 86_400_000
/** Longer than an event is delivered again, redrives by hand included. */
const SENT_KEPT_MS = 90 * DAY_MS
/** Longer than the last parcel of an order travels. */
const CUSTOMERS_KEPT_MS = 180 * DAY_MS
const USERS_TIMEOUT_MS = 3_000

export const notificationsService = defineService({
  name: 'notifications',
  config: notificationsConfig,
  async build({ config: settings, environment, logger, bus }) {
    const signer = await createServiceTokenSigner('notifications', settings.SERVICE_SIGNING_KEY)
    const breaker = createBreaker({ name: 'users', timeoutMs: USERS_TIMEOUT_MS, logger })
    const context: ChannelContext = {
      bus,
      logger,
      settings: (schema) => loadConfig(schema, environment),
      orderCustomers: createOrderCustomers(openBucket(bus, 'order-customers', CUSTOMERS_KEPT_MS)),
      findContact: createFindContact({
        client: createJsonClient({ baseUrl: settings.USERS_URL, breaker }),
        signer,
      }),
      sendOnce: createSendOnce(openBucket(bus, 'notifications', SENT_KEPT_MS)),
    }
    const names = new Set(settings.CHANNELS.split(','))
    const channels = await Promise.all([...names].map((name) => loadChannel(name, context)))
    const probes: Record<string, Probe> = {
      async users() {
        if (breaker.state() === 'open') throw new Error('the circuit is open')
        return `circuit ${breaker.state()}`
      },
    }
    for (const channel of channels) Object.assign(probes, channel.probes)
    return {
      routes(app, verifyCaller) {
        addKeyRoute(app, signer)
        for (const channel of channels) channel.routes?.(app, verifyCaller)
      },
      // a consumer for each: what one channel cannot deliver at the moment does not wait in another's way
      consumers: channels
        .filter(({ subjects }) => subjects.length > 0)
        .map(({ name, subjects, deliver }) => ({
          durable: channelConsumer(name),
          subjects,
          handle: deliver,
        })),
      background: () => channels.flatMap((channel) => channel.background?.() ?? []),
      probes,
      async close() {
        await Promise.all(channels.map((channel) => channel.close()))
      },
    }
  },
})

if (import.meta.main) await runService(notificationsService)
