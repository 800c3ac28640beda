/** Starts workflows that were asked for and not started yet, oldest first, again and again. */
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { startLoop } from '#platform/loop.ts'
import { isTemporalAway } from '#platform/temporal/errors.ts'
import { continueTrace, withTrace } from '#platform/trace.ts'

/** A start that is younger is still on its way from the process that accepted the request. */
export const GRACE_SECONDS = 2
/** What cannot be started is tried again after a pause that doubles, up to this. */
export const LONGEST_PAUSE_SECONDS = 600
const POLL_MS = 1_000
const BATCH = 50

export interface StartRelayOptions {
  /** What it starts, for logs. */
  name: string
  /** At most so many that are due. */
  due: (limit: number) => PromiseLike<{ id: string; trace: string | null }[]>
  start: (id: string) => Promise<void>
  /** Notes that a start failed, so that others come first. */
  postpone: (id: string) => PromiseLike<unknown>
  logger: Logger
}

export function startRelay({ name, due, start, postpone, logger }: StartRelayOptions): Stoppable {
  return startLoop({
    name: `start ${name}`,
    everyMs: POLL_MS,
    logger,
    async work() {
      const pending = await due(BATCH)
      let started = 0
      for (const { id, trace } of pending) {
        try {
          await withTrace(continueTrace(trace ?? undefined), () => start(id))
          started += 1
        } catch (error) {
          if (isTemporalAway(error)) throw error
          // one that cannot be started holds up no other
          logger.error({ err: error, id }, `${name}: one cannot be started; it is tried again`)
          await postpone(id)
        }
      }
      if (started > 0) logger.info({ count: started }, `${name}: the relay started some`)
      return pending.length === BATCH
    },
  })
}
