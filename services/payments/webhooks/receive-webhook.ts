import type { Sql } from '#platform/database.ts'
import { assertPlainInput } from '#platform/http/plain-input.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import type { PaymentProvider } from '../providers/provider.ts'

export interface IncomingWebhook {
  provider: string
  raw: Buffer
  headers: Readonly<Record<string, string | string[] | undefined>>
}

export type ReceiveWebhook = ReturnType<typeof createReceiveWebhook>

export function createReceiveWebhook({
  database,
  provider,
  onStored,
}: {
  database: Sql
  provider: PaymentProvider
  onStored: () => void
}) {
  /**
   * Stores a genuine webhook, once per event of the provider; it is worked off later.
   *
   * @throws ProblemError `not_found` for another provider, `invalid_signature`, or `validation_failed` for ids that
   *   cannot be stored (then nothing is)
   */
  return async function receiveWebhook(webhook: IncomingWebhook): Promise<void> {
    if (webhook.provider !== provider.name) throw notFound('payment provider')
    const event = provider.verifyWebhook(webhook.raw, webhook.headers)
    if (event === undefined)
      throw new ProblemError('invalid_signature', 'The webhook is not genuine, or too old.')
    assertPlainInput('body', event)
    await database.$executeRaw`
      INSERT INTO provider_webhooks (provider, event_id, raw, reference, authorization_id, figures)
      VALUES (${provider.name}, ${event.id}, ${webhook.raw}, ${event.reference ?? ''}, ${event.authorizationId ?? null},
              ${event.figures === undefined ? null : JSON.stringify(event.figures)}::jsonb)
      ON CONFLICT (provider, event_id) DO NOTHING`
    onStored()
  }
}
