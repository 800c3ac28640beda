/** The payments service: payments, attempts, the ledger, and the door to the payment provider. */
import { createPaymentsActivities } from '#activities/payments.ts'
import { probeDatabase } from '#platform/database.ts'
import { startLoop, type Loop } from '#platform/loop.ts'
import { defineService, runService } from '#platform/service.ts'
import { startWebhookPurge } from '#platform/webhook-purge.ts'
import { createAuthorizePayment } from './authorizations/authorize-payment.ts'
import { createCapturePayment } from './captures/capture-payment.ts'
import { paymentsConfig } from './config.ts'
import { carryOutPendingRefunds } from './refunds/carry-out-pending-refunds.ts'
import { createCarryOutRefund } from './refunds/carry-out-refund.ts'
import { createCompareProviderLedger } from './reconciliation/compare-provider-ledger.ts'
import { erasureConsumer } from './erase-customer.ts'
import { createGiveUpCapture } from './settled-otherwise/give-up-capture.ts'
import { createGiveUpRefund } from './settled-otherwise/give-up-refund.ts'
import { createKeepAuthorization } from './authorizations/keep-authorization.ts'
import { createRefundPayment } from './refunds/refund-payment.ts'
import { createReleaseParcelPayment } from './authorizations/release-parcel-payment.ts'
import { createRenewAuthorization } from './authorizations/renew-authorization.ts'
import { createRequestRefund } from './refunds/request-refund.ts'
import { createSettleUnknownPayments } from './reconciliation/settle-unknown-payments.ts'
import { createListPayments } from './list-payments.ts'
import { processWebhooks } from './webhooks/process-webhooks.ts'
import { loadProvider } from './providers/load.ts'
import { createReceiveWebhook } from './webhooks/receive-webhook.ts'
import { createReconcilePayment } from './reconciliation/reconcile-payment.ts'
import { registerRoutes } from './routes.ts'
import { openStore } from './store.ts'
import { createVoidPayment } from './authorizations/void-payment.ts'

export const paymentsService = defineService({
  name: 'payments',
  config: paymentsConfig,
  async build(context) {
    const { config, environment, logger } = context
    const provider = await loadProvider(config.PAYMENT_PROVIDER, environment, {
      timeoutMs: config.PROVIDER_TIMEOUT_MS,
      logger,
    })
    const database = openStore(config.DATABASE_URL, config.DATABASE_POOL)
    const timings = { timeoutMs: config.PROVIDER_TIMEOUT_MS, marginMs: config.ATTEMPT_MARGIN_MS }
    const dependencies = { transact: context.outbox(database, config), provider, timings }
    const reconciliation = { ...dependencies, database, logger, afterSeconds: config.SETTLE_AFTER_SECONDS }
    const activities = createPaymentsActivities({
      authorizePayment: createAuthorizePayment(dependencies),
      voidPayment: createVoidPayment(dependencies),
      capturePayment: createCapturePayment(dependencies),
      keepAuthorization: createKeepAuthorization(dependencies),
      renewAuthorization: createRenewAuthorization(dependencies),
      releaseParcelPayment: createReleaseParcelPayment(dependencies),
      refundPayment: createRefundPayment(dependencies),
      giveUpCapture: createGiveUpCapture(dependencies),
      giveUpRefund: createGiveUpRefund(dependencies),
      settleUnknownPayments: createSettleUnknownPayments(reconciliation),
      compareProviderLedger: createCompareProviderLedger(reconciliation),
    })
    const carryOutRefund = createCarryOutRefund(dependencies)
    const reconcilePayment = createReconcilePayment(dependencies)
    let webhooks: Loop | undefined
    const receiveWebhook = createReceiveWebhook({ database, provider, onStored: () => webhooks?.nudge() })
    const listPayments = createListPayments({ database })
    const requestRefund = createRequestRefund({ ...dependencies, database })
    return {
      routes: (app, verifyCaller) =>
        registerRoutes(app, verifyCaller, { listPayments, requestRefund, receiveWebhook }),
      worker: { activities, workflows: false },
      consumers: [erasureConsumer(dependencies.transact)],
      background: () => {
        webhooks = startLoop({
          name: 'provider webhooks',
          everyMs: config.WEBHOOK_POLL_MS,
          work: async () => (await processWebhooks({ database, provider, reconcilePayment, logger })) > 0,
          logger,
        })
        const refunds = startLoop({
          name: 'pending refunds',
          everyMs: config.REFUND_POLL_MS,
          work: async () => {
            await carryOutPendingRefunds({ database, carryOutRefund, logger })
            return false
          },
          logger,
        })
        return [webhooks, refunds, startWebhookPurge({ database, table: 'provider_webhooks', logger })]
      },
      probes: { database: probeDatabase(database) },
      close: () => database.$disconnect(),
    }
  },
})

if (import.meta.main) await runService(paymentsService)
