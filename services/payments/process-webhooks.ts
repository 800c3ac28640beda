import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import type { ProviderFigures } from './providers/provider.ts'
import type { ReconcilePayment } from './reconcile-payment.ts'
import { newsOf } from './webhook-news.ts'

const BATCH = 10
/** When one that could not be worked off, or whose process died, is looked at again. */
const RETRY_SECONDS = 30
/** When one is looked at again whose call has not been answered yet. */
const IN_FLIGHT_SECONDS = 1

export interface WebhookProcessing {
  database: Sql
  reconcilePayment: ReconcilePayment
  logger: Logger
}

interface StoredWebhook {
  provider: string
  eventId: string
  reference: string
  authorizationId: string | null
  figures: ProviderFigures | null
}

/**
 * Works off the stored webhooks that are due: each says which payment to read again at the provider, unless our books are
 * as far as it says, so that duplicates and disorder change nothing. Answers how many it took.
 */
export async function processWebhooks({
  database,
  reconcilePayment,
  logger,
}: WebhookProcessing): Promise<number> {
  const webhooks = await database.$queryRaw<StoredWebhook[]>`
    UPDATE provider_webhooks SET next_attempt_at = now() + make_interval(secs => ${RETRY_SECONDS})
    WHERE (provider, event_id) IN (
      SELECT provider, event_id FROM provider_webhooks
      WHERE processed_at IS NULL AND next_attempt_at <= now()
      ORDER BY next_attempt_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
    RETURNING provider, event_id AS "eventId", reference, authorization_id AS "authorizationId", figures`
  for (const webhook of webhooks) {
    try {
      await workOff(webhook)
    } catch (error) {
      const { eventId, reference } = webhook
      logger.warn({ err: error, eventId, reference }, 'a webhook could not be worked off yet')
    }
  }
  return webhooks.length

  async function workOff({ provider, eventId, reference, authorizationId, figures }: StoredWebhook) {
    const news = await newsOf(database, reference, figures)
    if (news === 'in_flight') {
      await database.$executeRaw`
        UPDATE provider_webhooks SET next_attempt_at = now() + make_interval(secs => ${IN_FLIGHT_SECONDS})
        WHERE provider = ${provider} AND event_id = ${eventId}`
      return
    }
    if (news === 'news') await reconcile(eventId, reference, authorizationId)
    await database.$executeRaw`
      UPDATE provider_webhooks SET processed_at = now() WHERE provider = ${provider} AND event_id = ${eventId}`
  }

  async function reconcile(eventId: string, reference: string, authorizationId: string | null) {
    const result = await reconcilePayment(reference, authorizationId)
    if (result === undefined) logger.warn({ eventId, reference }, 'a webhook is about no payment of ours')
    if (result?.outcome === 'busy') throw new Error('something of the payment is under way')
    if (result?.outcome === 'compared' && result.different.length > 0)
      logger.error({ eventId, reference, different: result.different }, 'the books differ')
  }
}
