/** The notifications service: what happens to orders and parcels, told by e-mail. It keeps no database. */
import { createBreaker } from '#platform/outbound/breaker.ts'
import { createJsonClient } from '#platform/outbound/json-client.ts'
import { defineService, runService } from '#platform/service.ts'
import { createServiceTokenSigner } from '#platform/service-token.ts'
import { openBucket } from './buckets.ts'
import { notificationsConfig } from './config.ts'
import { createFindContact } from './contacts.ts'
import { emailConsumer } from './consumers.ts'
import { createMailer } from './mailer.ts'
import { createNotify } from './notify.ts'
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
  async build({ config: settings, logger, bus }) {
    const signer = await createServiceTokenSigner('notifications', settings.SERVICE_SIGNING_KEY)
    const breaker = createBreaker({ name: 'users', timeoutMs: USERS_TIMEOUT_MS, logger })
    const mailer = createMailer({ url: settings.SMTP_URL, from: settings.MAIL_FROM, logger })
    const notify = createNotify({
      orderCustomers: createOrderCustomers(openBucket(bus, 'order-customers', CUSTOMERS_KEPT_MS)),
      findContact: createFindContact({
        client: createJsonClient({ baseUrl: settings.USERS_URL, breaker }),
        signer,
      }),
      sendOnce: createSendOnce(openBucket(bus, 'notifications', SENT_KEPT_MS)),
      mailer,
      ...(settings.OPERATIONS_EMAIL === undefined ? {} : { operationsEmail: settings.OPERATIONS_EMAIL }),
    })
    return {
      routes: (app) => addKeyRoute(app, signer),
      consumers: [emailConsumer(notify)],
      probes: {
        smtp: () => mailer.probe(),
        async users() {
          if (breaker.state() === 'open') throw new Error('the circuit is open')
          return `circuit ${breaker.state()}`
        },
      },
      close: async () => mailer.close(),
    }
  },
})

if (import.meta.main) await runService(notificationsService)
