/** What events and calls leave behind in a service's database is forgotten when nothing can ask for it any more. */
import { jetstreamManager } from '@nats-io/jetstream'
import { EVENT_STREAM } from '#contracts/events.ts'
import type { Sql } from '../database.ts'
import { purgeIdempotencyKeys } from '../idempotency.ts'
import type { Logger } from '../logger.ts'
import { startLoop, type Loop } from '../loop.ts'
import { isOutage } from '../outage.ts'
import type { EventBus } from './event-bus.ts'

/** Reconciliation looks back two days; the rest is for people. */
export const OUTBOX_KEPT_DAYS = 7
/** An event that is republished, or was on its way when the stream forgot it, may come this much later. */
const INBOX_MARGIN_DAYS = 7
const BATCH = 1_000
const HOUR_MS = 3_600_000
const NANOS_PER_SECOND = 1_000_000_000
const DAY_SECONDS = 86_400

export interface HousekeepingOptions {
  database: Sql
  bus: EventBus
  logger: Logger
}

/** Every hour or so: processes that were started together do not do it together. */
export const startHousekeeping = ({ database, bus, logger }: HousekeepingOptions): Loop =>
  startLoop({
    name: 'forget what is old',
    everyMs: HOUR_MS * (0.75 + Math.random() / 2),
    logger,
    async work() {
      const published = await purgeOutbox(database)
      const applied = await purgeInbox(database, await eventsKeptSeconds(bus).catch(unknownWhileAway))
      const answered = await purgeIdempotencyKeys(database, BATCH)
      if (published + applied + answered > 0)
        logger.info({ published, applied, answered }, 'old events and answers are forgotten')
      return [published, applied, answered].includes(BATCH)
    },
  })

/** Nobody waits for this: the next round is in an hour. */
function unknownWhileAway(error: unknown): undefined {
  if (!isOutage(error)) throw error
}

/** Forgets a batch of events that were published long ago: the stream has them. What is parked or waits stays. */
export const purgeOutbox = (database: Sql): PromiseLike<number> =>
  database.$executeRaw`
    DELETE FROM outbox WHERE id IN (
      SELECT id FROM outbox WHERE published_at < now() - make_interval(days => ${OUTBOX_KEPT_DAYS}::int)
      ORDER BY id LIMIT ${BATCH})`

/**
 * Forgets a batch of events that cannot come again, because the stream has forgotten them. Where it keeps them for ever
 * (undefined), so does the inbox. Positions stay: they are a row for each aggregate.
 */
export const purgeInbox = async (database: Sql, keptSeconds: number | undefined): Promise<number> =>
  keptSeconds === undefined
    ? 0
    : database.$executeRaw`
        DELETE FROM inbox WHERE (consumer, event_id) IN (
          SELECT consumer, event_id FROM inbox
          WHERE received_at < now() - make_interval(secs => ${keptSeconds + INBOX_MARGIN_DAYS * DAY_SECONDS}::float8)
          LIMIT ${BATCH})`

/** How long the stream keeps an event, as its operator configured it; undefined: for ever. */
export async function eventsKeptSeconds(bus: EventBus): Promise<number | undefined> {
  await bus.probe()
  const manager = await jetstreamManager((await bus.ready()).connection)
  const { config } = await manager.streams.info(EVENT_STREAM)
  return config.max_age === 0 ? undefined : config.max_age / NANOS_PER_SECOND
}
