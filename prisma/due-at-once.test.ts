import { beforeAll, expect, it } from 'vitest'
import type { DatabaseName } from '#contracts/services.ts'
import { freshDatabase, query } from '#tests/support/database.ts'

/** Where something waits to be worked off: how it is put there. */
const QUEUES = {
  wake_ups: ['orders', "(order_id, signal) VALUES (gen_random_uuid(), 'stockHeld')"],
  provider_webhooks: [
    'payments',
    "(provider, event_id, raw, reference) VALUES ('p', gen_random_uuid(), '', '')",
  ],
  carrier_webhooks: ['shipping', "(carrier, id, body) VALUES ('c', gen_random_uuid(), '')"],
} as const satisfies Record<string, readonly [DatabaseName, string]>

const urls = new Map<string, string>()
beforeAll(async () => {
  for (const [database] of Object.values(QUEUES)) urls.set(database, await freshDatabase(database))
})

it.each(Object.entries(QUEUES))('what comes into %s is due at once', async (table, [database, values]) => {
  const insert = `INSERT INTO ${table} ${values} RETURNING next_attempt_at <= now() AS due`
  // each has a moment of its own, and every other one would be rounded into the future
  for (let time = 0; time < 30; time++)
    expect(await query(urls.get(database)!, insert)).toEqual([{ due: true }])
})
