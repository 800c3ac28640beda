import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import type { ReconcilePayment } from './reconcile-payment.ts'

const BATCH = 10
/** When one that could not be worked off, or whose process died, is looked at again. */
const RETRY_SECONDS = 30

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
}

/**
 * Works off the stored webhooks that are due: each says which payment to read again at the provider, so that duplicates
 * and disorder change nothing. Answers how many it took.
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
    RETURNING provider, event_id AS "eventId", reference, authorization_id AS "authorizationId"`
  for (const { provider, eventId, reference, authorizationId } of webhooks) {
    try {
      const result = await reconcilePayment(reference, authorizationId)
      if (result === undefined) logger.warn({ eventId, reference }, 'a webhook is about no payment of ours')
      if (result?.outcome === 'busy') throw new Error('something of the payment is under way')
      if (result?.outcome === 'compared' && result.different.length > 0)
        logger.error({ eventId, reference, different: result.different }, 'the books differ')
      await database.$executeRaw`
        UPDATE provider_webhooks SET processed_at = now() WHERE provider = ${provider} AND event_id = ${eventId}`
    } catch (error) {
      logger.warn({ err: error, eventId, reference }, 'a webhook could not be worked off yet')
    }
  }
  return webhooks.length
}
