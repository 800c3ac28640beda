/** Things that run are stopped in the reverse order of their start, each with its reason logged if it fails. */
import { inspect } from 'node:util'
import closeWithGrace from 'close-with-grace'
import { ConfigError } from './config.ts'
import type { Logger } from './logger.ts'

export interface Stoppable {
  stop(): Promise<void>
}

/** Collects what was started; `stop` ends it in reverse, once, even when one of them fails to end. */
export function createLifecycle(logger: Pick<Logger, 'error'>) {
  const started: { name: string; stop: () => Promise<void> }[] = []
  let stopping: Promise<void> | undefined

  async function stopAll(): Promise<void> {
    for (const { name, stop } of started.toReversed()) {
      try {
        await stop()
      } catch (error) {
        logger.error({ err: error, part: name }, 'a part did not stop cleanly')
      }
    }
  }

  return {
    /** Remembers how to stop something that runs now. */
    onStop(name: string, stop: () => Promise<void>): void {
      started.push({ name, stop })
    },
    stop(): Promise<void> {
      stopping ??= stopAll()
      return stopping
    },
  }
}

/** Runs a process until a signal ends it: starts, and stops what was started in order. Configuration errors are for people. */
export async function runUntilStopped(start: () => Promise<Stoppable>, graceMs = 20_000): Promise<void> {
  try {
    const running = await start()
    closeWithGrace({ delay: graceMs }, async ({ err }) => {
      if (err !== undefined) complain(inspect(err))
      await running.stop()
    })
  } catch (error) {
    const forPeople = error instanceof ConfigError || error instanceof PortInUseError
    complain(forPeople ? error.message : inspect(error))
    process.exit(1)
  }
}

const complain = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

export class PortInUseError extends Error {
  override readonly name = 'PortInUseError'
}
