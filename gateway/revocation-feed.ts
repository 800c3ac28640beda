/** Follows what the users service announces, from a quarter of an hour back: older tokens have expired. */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { EVENT_STREAM } from '#contracts/events.ts'
import { parseEvent } from '#platform/events/parse-event.ts'
import type { EventBus } from '#platform/events/event-bus.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { startLoop } from '#platform/loop.ts'
import { isOutage } from '#platform/outage.ts'
import type { Revocations } from './revocations.ts'

const SUBJECTS = 'evt.users.>'
const LOOK_BACK_MS = 900_000
/** Revocations are to be known within five seconds. */
const POLL_MS = 500
const STOP_MS = 1_000

export interface RevocationFeed extends Stoppable {
  /** Resolves once everything that had been announced at the start is known. */
  readonly caughtUp: Promise<void>
}

/**
 * Reads the stream message by message, without a consumer: whoever may create one whose name nobody knows beforehand may
 * change everybody's.
 */
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
  const since = new Date(Date.now() - LOOK_BACK_MS).toISOString()
  const stopping = new AbortController()
  let opening: Promise<JetStreamManager> | undefined
  /** Up to where the stream is known. */
  let seen: number | undefined
  /** When the stream was made that was last looked at. */
  let made: string | undefined

  const loop = startLoop({
    name: 'follow revocations',
    everyMs: POLL_MS,
    logger,
    async work() {
      try {
        await bus.probe()
        await readOn((await open()).streams)
        caughtUp.resolve()
      } catch (error) {
        if (!isOutage(error)) throw error // the bus says itself that it is away
      }
      return false
    },
  })

  function open(): Promise<JetStreamManager> {
    opening ??= bus
      .ready()
      .then(({ connection }) => jetstreamManager(connection))
      .catch((error: unknown) => {
        opening = undefined
        throw error
      })
    return opening
  }

  async function readOn(streams: JetStreamManager['streams']): Promise<void> {
    const { created, state } = await streams.info(EVENT_STREAM)
    const { last_seq: end } = state
    // another stream, made anew or brought back from before: its numbers say nothing of what is known
    if (created !== made || (seen !== undefined && end < seen)) seen = undefined
    made = created
    if (seen === end) return
    while (!stopping.signal.aborted) {
      const from = seen === undefined ? { seq: 0, start_time: since } : { seq: seen + 1 }
      const query = { ...from, next_by_subj: SUBJECTS }
      const message = await streams.getMessage(EVENT_STREAM, query)
      if (message === null) break
      apply(message)
      seen = message.seq
    }
    seen = Math.max(end, seen ?? 0)
  }

  function apply(message: Parameters<typeof parseEvent>[0]): void {
    try {
      revocations.apply(parseEvent(message))
    } catch (error) {
      logger.error({ err: error, subject: message.subject }, 'an event of the users service cannot be read')
    }
  }

  return {
    caughtUp: caughtUp.promise,
    async stop() {
      stopping.abort()
      // the round may be waiting for a broker that never comes
      await Promise.race([loop.stop(), pause(STOP_MS)])
    },
  }
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
