/** Forgets the carrier's webhooks that were worked off long ago. One that came again after that would only be read again. */
import type { Sql } from '#platform/database.ts'

const KEPT_DAYS = 30
const BATCH = 1_000

/** Answers whether there may be more. */
export async function purgeWebhooks(database: Sql): Promise<boolean> {
  const purged = await database.$executeRaw`
    DELETE FROM carrier_webhooks WHERE (carrier, id) IN (
      SELECT carrier, id FROM carrier_webhooks
      WHERE processed_at < now() - make_interval(days => ${KEPT_DAYS}::int) LIMIT ${BATCH})`
  return purged === BATCH
}
