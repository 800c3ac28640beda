/** Forgets once an hour what nobody will ask for again. */
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { purgeLoginFailures } from './login-throttle.ts'
import { purgeSessions } from './sessions.ts'
import type { Store } from './store.ts'

const EVERY_MS = 3_600_000

export function startHousekeeping(store: Store, logger: Logger): Stoppable {
  let running = Promise.resolve()
  const clean = async () => {
    try {
      await purgeLoginFailures(store)
      await purgeSessions(store)
    } catch (error) {
      logger.warn({ err: error }, 'the housekeeping failed; it tries again in an hour')
    }
  }
  const timer = setInterval(() => {
    running = clean()
  }, EVERY_MS)
  timer.unref()
  return {
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
