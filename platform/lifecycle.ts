/** Things that run are stopped in the reverse order of their start, each with its reason logged if it fails. */
import { inspect } from 'node:util'
import closeWithGrace from 'close-with-grace'
import type { TObject } from 'typebox'
import { ConfigError, describeConfig } from './config.ts'
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

export interface ProcessDefinition {
  /** What it is, in a few words, for `--help`. */
  title: string
  /** Its variables, for `--help`. */
  config: TObject
  start: () => Promise<Stoppable>
}

/** How long an orderly stop may take before the process ends anyway. */
const STOP_GRACE_MS = 20_000

/**
 * The life of a process: `--help` lists its variables; otherwise it starts, and stops in order at a signal. Configuration
 * errors and busy ports are told in a line, for people.
 *
 * @example if (import.meta.main) await runProcess({ title: 'The gateway', config: gatewayConfig, start: () => startGateway(process.env) })
 */
export async function runProcess({ title, config, start }: ProcessDefinition): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${title}. Environment variables:\n${describeConfig(config)}\n`)
    return
  }
  try {
    const running = await start()
    closeWithGrace({ delay: STOP_GRACE_MS }, async ({ err }) => {
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
