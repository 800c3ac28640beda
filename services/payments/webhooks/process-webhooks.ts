import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import { createWebhookQueue, type WorkedOff } from '#platform/webhook-queue.ts'
import type { PaymentProvider, ProviderFigures } from '../providers/provider.ts'
import type { ReconcilePayment } from '../reconciliation/reconcile-payment.ts'
import { newsOf } from './webhook-news.ts'

export interface WebhookProcessing {
  database: Sql
  provider: Pick<PaymentProvider, 'name'>
  reconcilePayment: ReconcilePayment
  logger: Logger
}

interface StoredWebhook {
  reference: string
  authorizationId: string | null
  figures: ProviderFigures | null
}

/**
 * Works off the stored webhooks that are due: each says which payment to read again at the provider, unless our books are
 * as far as it says, so that duplicates and disorder change nothing. One may be given up: the reconciliation reads every
 * payment without one (compare-provider-ledger.ts). Answers how many it took.
 */
export async function processWebhooks({
  database,
  provider,
  reconcilePayment,
  logger,
}: WebhookProcessing): Promise<number> {
  const queue = createWebhookQueue<StoredWebhook>({
    database,
    table: 'provider_webhooks',
    sender: provider.name,
    columns: 'reference, authorization_id AS "authorizationId", figures',
    logger,
  })
  const webhooks = await queue.take()
  // one after the other: of several about one payment the first is enough
  for (const webhook of webhooks) {
    const { eventId, reference } = webhook
    await queue.workOff(webhook, () => workOff(eventId, webhook), { reference })
  }
  return webhooks.length

  async function workOff(
    eventId: string,
    { reference, authorizationId, figures }: StoredWebhook,
  ): Promise<WorkedOff> {
    const news = await newsOf(database, reference, figures)
    if (news === 'in_flight') return 'later'
    if (news === 'news') await reconcile(eventId, reference, authorizationId)
    return {}
  }

  async function reconcile(eventId: string, reference: string, authorizationId: string | null) {
    const result = await reconcilePayment(reference, authorizationId)
    if (result === undefined) logger.warn({ eventId, reference }, 'a webhook is about no payment of ours')
    if (result?.outcome === 'busy') throw new Error('something of the payment is under way')
    if (result?.outcome === 'compared' && result.different.length > 0)
      logger.error({ eventId, reference, different: result.different }, 'the books differ')
  }
}
