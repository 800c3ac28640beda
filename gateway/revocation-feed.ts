/** Follows what the users service announces, from a quarter of an hour back: older tokens have expired. */
import { DeliverPolicy } from '@nats-io/jetstream'
import { EVENT_STREAM } from '#contracts/events.ts'
import { parseEvent } from '#platform/events/parse-event.ts'
import type { EventBus } from '#platform/events/event-bus.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import type { Revocations } from './revocations.ts'

const SUBJECTS = 'evt.users.>'
const LOOK_BACK_MS = 900_000
const RETRY_MS = 1_000

export interface RevocationFeed extends Stoppable {
  /** Resolves once everything that had been announced at the start is known. */
  readonly caughtUp: Promise<void>
}

/** An ordered, ephemeral consumer: it makes itself anew after every interruption and leaves nothing behind. */
export function followRevocations({
  bus,
  revocations,
  logger,
}: {
  bus: EventBus
  revocations: Revocations
  logger: Logger
}): RevocationFeed {
  const caughtUp = Promise.withResolvers<void>()
  const stopped = new AbortController()
  let stopMessages = () => {}

  async function follow(): Promise<void> {
    const { client } = await bus.ready()
    if (stopped.signal.aborted) return
    const consumer = await client.consumers.get(EVENT_STREAM, {
      filter_subjects: SUBJECTS,
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(Date.now() - LOOK_BACK_MS).toISOString(),
    })
    const { num_pending: pending } = await consumer.info()
    if (pending === 0) caughtUp.resolve()
    const messages = await consumer.consume()
    stopMessages = () => messages.stop()
    if (stopped.signal.aborted) messages.stop()
    for await (const message of messages) {
      try {
        revocations.apply(parseEvent(message))
      } catch (error) {
        logger.error({ err: error, subject: message.subject }, 'an event of the users service cannot be read')
      }
      if (message.info.pending === 0) caughtUp.resolve()
    }
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        await follow()
      } catch (error) {
        if (stopped.signal.aborted) return
        logger.warn({ err: error }, 'the feed of revocations broke off; it starts again')
      }
      if (!stopped.signal.aborted) await pause(RETRY_MS, stopped.signal)
    }
  }

  const running = run()
  return {
    caughtUp: caughtUp.promise,
    async stop() {
      stopped.abort()
      stopMessages()
      // never connected: run() waits for a broker that may never come
      await Promise.race([
        running,
        bus.ready().then(
          () => running,
          () => {},
        ),
        pause(RETRY_MS),
      ])
    },
  }
}

const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    timer.unref()
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
