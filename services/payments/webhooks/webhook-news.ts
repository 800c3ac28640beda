import type { Sql } from '#platform/database.ts'
import type { ProviderFigures } from '../providers/provider.ts'

/**
 * What a webhook means for us:
 *
 * - `known`: our books are as far as it says, and nothing of the payment is open. Nobody has to be asked.
 * - `in_flight`: the call that it tells of, or another, has not been answered yet: by then it is known, most likely.
 * - `news`: the provider has to be read.
 */
export type WebhookNews = 'known' | 'in_flight' | 'news'

interface Facts {
  inFlight: boolean
  open: boolean
  due: boolean
  status: string
  captured: bigint
  refunded: bigint
  released: bigint
}

export async function newsOf(
  database: Sql,
  reference: string,
  figures: ProviderFigures | null,
): Promise<WebhookNews> {
  const [ours] = await database.$queryRaw<Facts[]>`
    SELECT made.status, made.captured, made.refunded, made.released,
           coalesce(bool_or(other.deadline > clock_timestamp()), false) AS "inFlight",
           coalesce(bool_or(other.status IN ('sent', 'unknown')), false) AS open,
           (payment.voided_at IS NOT NULL OR made.standing = 'superseded') AND made.status = 'authorized'
             AND made.amount > made.captured + made.released AS due
    FROM attempts attempt
    JOIN payments payment ON payment.id = attempt.payment_id
    JOIN authorizations made ON made.id = attempt.authorization_id
    JOIN attempts other ON other.payment_id = payment.id
    WHERE attempt.key = ${reference} AND attempt.operation = 'authorize'
    GROUP BY made.id, payment.id`
  if (ours === undefined) return 'news'
  if (ours.inFlight) return 'in_flight'
  if (figures === null || ours.open || ours.due) return 'news'
  return isKnown(ours, figures) ? 'known' : 'news'
}

function isKnown(ours: Facts, { state, captured, refunded, released }: ProviderFigures): boolean {
  if (ours.status === 'declined') return state === 'declined'
  const booked = ours.status === 'authorized' || ours.status === 'voided' || ours.status === 'expired'
  // sums only grow: one that is lower than ours is an older webhook
  return booked && ours.captured >= captured && ours.refunded >= refunded && ours.released >= released
}
