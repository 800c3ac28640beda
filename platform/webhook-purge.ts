/** Forgets webhooks that were worked off long ago: what others sent may hold names. One that came again is only read again. */
import type { Sql } from './database.ts'
import type { Logger } from './logger.ts'
import { startLoop, type Loop } from './loop.ts'
import type { WebhookTable } from './webhook-queue.ts'

const KEPT_DAYS = 30
const BATCH = 1_000
const EVERY_MS = 3_600_000

/** Forgets a batch; answers whether there may be more. What was not worked off stays. */
export async function purgeWebhooks(database: Sql, table: WebhookTable): Promise<boolean> {
  const purged = await database.$executeRaw({
    // their keys have different names; what was worked off is not changed any more, so that a row's place names it
    text: `
      DELETE FROM ${table} WHERE ctid IN (
        SELECT ctid FROM ${table} WHERE processed_at < now() - make_interval(days => $1::int) LIMIT $2::int)`,
    values: [KEPT_DAYS, BATCH],
  })
  return purged === BATCH
}

export const startWebhookPurge = ({
  database,
  table,
  logger,
}: {
  database: Sql
  table: WebhookTable
  logger: Logger
}): Loop =>
  startLoop({
    name: 'old webhooks',
    everyMs: EVERY_MS,
    work: () => purgeWebhooks(database, table),
    logger,
  })
