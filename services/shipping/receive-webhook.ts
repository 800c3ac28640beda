/** Stores what the carrier tells, once per event of the carrier; it is worked off later. */
import type { Sql } from '#platform/database.ts'
import { assertPlainInput } from '#platform/http/plain-input.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import type { Carrier, CarrierNotice } from './carriers/carrier.ts'

export interface IncomingWebhook {
  carrier: string
  raw: Buffer
  headers: Readonly<Record<string, string | string[] | undefined>>
}

export type ReceiveWebhook = (webhook: IncomingWebhook) => Promise<void>

export interface ReceiveWebhookDependencies {
  database: Sql
  carrier: Carrier
  onStored: () => void
}

/**
 * @throws ProblemError `not_found` for another carrier, `invalid_signature`, `malformed_json`, or `validation_failed` for
 *   ids that cannot be stored; then nothing is
 */
export const createReceiveWebhook =
  ({ database, carrier, onStored }: ReceiveWebhookDependencies): ReceiveWebhook =>
  async (webhook) => {
    if (webhook.carrier !== carrier.name) throw notFound('carrier')
    if (!carrier.verifyWebhook(webhook.raw, webhook.headers)) {
      throw new ProblemError('invalid_signature', 'The webhook is not genuine, or too old.')
    }
    const body = webhook.raw.toString()
    const notice = readNotice(carrier, body)
    assertPlainInput('body', notice)
    await database.$executeRaw`
      INSERT INTO carrier_webhooks (carrier, id, body) VALUES (${carrier.name}, ${notice.eventId}, ${body})
      ON CONFLICT (carrier, id) DO NOTHING`
    onStored()
  }

function readNotice(carrier: Carrier, body: string): CarrierNotice {
  try {
    return carrier.readNotice(body)
  } catch (cause) {
    throw new ProblemError('malformed_json', 'The webhook is not what this carrier sends.', { cause })
  }
}
