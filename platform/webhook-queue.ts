/**
 * Webhooks that came wait in a table of their service and are worked off from there. One that fails is tried again, less and
 * less often, and given up after a day: what it told of is found by other means.
 */
import type { Sql } from './database.ts'
import type { Logger } from './logger.ts'

/** What the tables call the sender, and the sender's id of the event: together the key of a row. */
const KEYS = {
  carrier_webhooks: { sender: 'carrier', id: 'id' },
  provider_webhooks: { sender: 'provider', id: 'event_id' },
} as const

export type WebhookTable = keyof typeof KEYS

/** How many are taken at once. */
export const WEBHOOK_BATCH = 10
/** How long one attempt has for itself before another process tries; doubled each time. */
const LEASE_SECONDS = 30
const LONGEST_SECONDS = 600
const GIVEN_UP_AFTER_SECONDS = 86_400
const NOTE_LENGTH = 500
/** When one is looked at again whose time has not come. */
const SOON_SECONDS = 1

export interface WaitingWebhook {
  eventId: string
  attempts: number
  /** Since it came. */
  seconds: number
}

/** `note`: why there was nothing to do, if so. `later`: nothing has failed, and it is too early to say. */
export type WorkedOff = { note?: string | undefined } | 'later'

export interface WebhookQueue<Row> {
  /** Takes those that are due, at most WEBHOOK_BATCH. */
  take(): Promise<(Row & WaitingWebhook)[]>
  /** @param about what else logs shall name */
  workOff(webhook: WaitingWebhook, work: () => Promise<WorkedOff>, about?: object): Promise<void>
}

export interface WebhookQueueOptions {
  database: Sql
  table: WebhookTable
  /** Whose webhooks: those of another are left to whoever can read them. */
  sender: string
  /** What a row is made of, as SQL. */
  columns: string
  logger: Logger
}

/**
 * @example
 * const queue = createWebhookQueue<{ body: string }>({ database, table: 'carrier_webhooks', sender, columns: 'body', logger })
 * for (const webhook of await queue.take()) await queue.workOff(webhook, () => read(webhook.body))
 */
export function createWebhookQueue<Row>({
  database,
  table,
  sender,
  columns,
  logger,
}: WebhookQueueOptions): WebhookQueue<Row> {
  const key = KEYS[table]

  async function finish(eventId: string, note: string | null): Promise<void> {
    await database.$executeRaw({
      text: `UPDATE ${table} SET processed_at = now(), note = $3 WHERE ${key.sender} = $1 AND ${key.id} = $2`,
      values: [sender, eventId, note],
    })
  }

  /** @param attempts how many have failed so far */
  async function postpone(
    eventId: string,
    seconds: number,
    { attempts, note }: { attempts: number; note: string | null },
  ): Promise<void> {
    await database.$executeRaw({
      text: `
        UPDATE ${table} SET note = $3, attempts = $5, next_attempt_at = now() + make_interval(secs => $4::int)
        WHERE ${key.sender} = $1 AND ${key.id} = $2 AND processed_at IS NULL`,
      values: [sender, eventId, note, seconds, attempts],
    })
  }

  return {
    async take() {
      return database.$queryRaw<(Row & WaitingWebhook)[]>({
        text: `
          UPDATE ${table} SET attempts = attempts + 1, next_attempt_at =
            now() + make_interval(secs => least($2::int, $3::int * 2 ^ least(attempts, 10)))
          WHERE (${key.sender}, ${key.id}) IN (
            SELECT ${key.sender}, ${key.id} FROM ${table}
            WHERE ${key.sender} = $1 AND processed_at IS NULL AND next_attempt_at <= now()
            ORDER BY next_attempt_at LIMIT $4::int FOR UPDATE SKIP LOCKED)
          RETURNING ${key.id} AS "eventId", attempts, extract(epoch FROM now() - received_at)::int AS seconds, ${columns}`,
        values: [sender, LONGEST_SECONDS, LEASE_SECONDS, WEBHOOK_BATCH],
      })
    },
    async workOff({ eventId, attempts, seconds }, work, about = {}) {
      try {
        const worked = await work()
        if (worked === 'later') await postpone(eventId, SOON_SECONDS, { attempts: attempts - 1, note: null })
        else await finish(eventId, worked.note ?? null)
      } catch (error) {
        const note = (error instanceof Error ? error.message : String(error)).slice(0, NOTE_LENGTH)
        const names = { err: error, eventId, attempts, ...about }
        if (seconds > GIVEN_UP_AFTER_SECONDS) {
          logger.error(names, 'a webhook is given up')
          await finish(eventId, `given up: ${note}`)
        } else {
          logger.warn(names, 'a webhook could not be worked off yet')
          // sooner than the lease would end, since this attempt is over: one second at first
          await postpone(eventId, Math.min(LONGEST_SECONDS, 2 ** (attempts - 1)), { attempts, note })
        }
      }
    },
  }
}
