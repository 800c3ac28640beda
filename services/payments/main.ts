/** The payments service: payments, attempts, the ledger, and the door to the payment provider. */
import { createPaymentsActivities } from '#activities/payments.ts'
import { probeDatabase } from '#platform/database.ts'
import { startLoop, type Loop } from '#platform/loop.ts'
import { defineService, runService } from '#platform/service.ts'
import { createAuthorizePayment } from './authorize-payment.ts'
import { createCapturePayment } from './capture-payment.ts'
import { paymentsConfig } from './config.ts'
import { createListPayments } from './list-payments.ts'
import { processWebhooks } from './process-webhooks.ts'
import { loadProvider } from './providers/load.ts'
import { createReceiveWebhook } from './receive-webhook.ts'
import { createReconcilePayment } from './reconcile-payment.ts'
import { registerRoutes } from './routes.ts'
import { openStore } from './store.ts'
import { createVoidPayment } from './void-payment.ts'

export const paymentsService = defineService({
  name: 'payments',
  config: paymentsConfig,
  async build(context) {
    const { config, logger } = context
    const provider = await loadProvider(config.PAYMENT_PROVIDER, {
      url: config.PROVIDER_URL,
      apiKey: config.PROVIDER_API_KEY,
      webhookSecret: config.PROVIDER_WEBHOOK_SECRET,
      timeoutMs: config.PROVIDER_TIMEOUT_MS,
      multicapture: config.PROVIDER_MULTICAPTURE,
      keyLifetimeHours: config.PROVIDER_KEY_LIFETIME_HOURS,
      logger,
    })
    const database = openStore(config.DATABASE_URL, config.DATABASE_POOL)
    const timings = { timeoutMs: config.PROVIDER_TIMEOUT_MS, marginMs: config.ATTEMPT_MARGIN_MS }
    const dependencies = { transact: context.outbox(database, config), provider, timings }
    const activities = createPaymentsActivities({
      authorizePayment: createAuthorizePayment(dependencies),
      voidPayment: createVoidPayment(dependencies),
      capturePayment: createCapturePayment(dependencies),
    })
    const reconcilePayment = createReconcilePayment(dependencies)
    let webhooks: Loop | undefined
    const receiveWebhook = createReceiveWebhook({ database, provider, onStored: () => webhooks?.nudge() })
    const listPayments = createListPayments({ database })
    return {
      routes: (app, verifyCaller) => registerRoutes(app, verifyCaller, { listPayments, receiveWebhook }),
      worker: { activities, workflows: false },
      consumers: [],
      background: () => {
        webhooks = startLoop({
          name: 'provider webhooks',
          everyMs: config.WEBHOOK_POLL_MS,
          work: async () => (await processWebhooks({ database, reconcilePayment, logger })) > 0,
          logger,
        })
        return [webhooks]
      },
      probes: { database: probeDatabase(database) },
      close: () => database.$disconnect(),
    }
  },
})

if (import.meta.main) await runService(paymentsService)
