/** Work that is repeated: at intervals, at once when nudged, and never beside itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stoppable } from './lifecycle.ts'
import type { Logger } from './logger.ts'
import { continueTrace, withTrace } from './trace.ts'

/** Whatever is away is not asked again at once, however short the interval is. */
const PAUSE_AFTER_FAILURE_MS = 1_000

export interface LoopOptions {
  /** What it does, for logs. */
  name: string
  /** A function is asked before each pause. */
  everyMs: number | (() => number)
  /** Nudges are answered at once, but no sooner than this after the last round began: meanwhile more may gather. */
  restMs?: number
  /**
   * One round, told whether a nudge (rather than the interval) brought it; true means that there is more to do at once.
   * Its failure is logged and the next round comes in time.
   */
  work: (nudged: boolean) => Promise<boolean>
  logger: Pick<Logger, 'warn'>
}

export interface Loop extends Stoppable {
  /** Do not wait for the next interval: there is something to do. */
  nudge(): void
}

export function startLoop({ name, everyMs, restMs = 0, work, logger }: LoopOptions): Loop {
  const stopping = new AbortController()
  let nudged = false
  let wake = () => {}

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const began = performance.now()
      const wasNudged = nudged
      nudged = false
      const outcome = await withTrace(continueTrace(undefined), () => round(wasNudged))
      if (outcome === 'more') continue
      const pauseMs = typeof everyMs === 'number' ? everyMs : everyMs()
      if (outcome === 'failed') await pause(Math.max(pauseMs, PAUSE_AFTER_FAILURE_MS))
      else if (!nudged) await pause(pauseMs)
      const rest = restMs - (performance.now() - began)
      if (nudged && rest > 0) await sleep(rest, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  async function round(wasNudged: boolean): Promise<'more' | 'done' | 'failed'> {
    try {
      return (await work(wasNudged)) ? 'more' : 'done'
    } catch (error) {
      logger.warn({ err: error, loop: name }, 'a round of a loop failed; the next one comes in time')
      return 'failed'
    }
  }

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      if (stopping.signal.aborted) return resolve()
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  const running = run()
  const nudge = () => {
    nudged = true
    wake()
  }
  return {
    nudge,
    async stop() {
      stopping.abort()
      nudge()
      await running
    },
  }
}
