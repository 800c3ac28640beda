import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createChildLog } from './child-log.ts'
import { forgetPid, recordPid, type StopSignal } from './pid-records.ts'

export type ChildExit = {
  name: string
  code: number | null
  signal: NodeJS.Signals | null
  /** The last lines of its log. */
  logTail: string
  logFile: string
}

export type ChildOptions = {
  /** Unique in the data folder: names its log and its pid record. */
  name: string
  command: string
  arguments: readonly string[]
  /** Logs go to `<dataFolder>/logs`, the pid record to `<dataFolder>/run`. */
  dataFolder: string
  environment?: NodeJS.ProcessEnv
  workingDirectory?: string
  user?: { uid: number; gid: number }
  /** Resolves when the child can be used; rejects while it can't yet (it is asked again until the timeout). */
  ready: () => Promise<void>
  readyTimeoutMilliseconds?: number
  stopSignal?: StopSignal
  stopGraceMilliseconds?: number
  /** Called when a child that was ready ends without having been stopped. */
  onUnexpectedExit?: ((exit: ChildExit) => void) | undefined
}

/** A child process that can be started again after it was stopped, was killed or crashed. */
export type Child = {
  readonly name: string
  readonly logFile: string
  pid(): number | undefined
  isRunning(): boolean
  /** Resolves when it is ready. Throws `ChildStartError`. */
  start(): Promise<void>
  /** Asks it to end, and after the grace kills it. Resolves when it has ended. */
  stop(): Promise<void>
  /** SIGKILL to its whole process group: what a crash looks like. Resolves when it has ended. */
  kill(): Promise<void>
}

export class ChildStartError extends Error {
  override readonly name = 'ChildStartError'
  readonly logTail: string

  constructor(message: string, log: { file: string; tail: string }, cause?: unknown) {
    super(`${message}\nThe end of its log (${log.file}):\n${log.tail || '(empty)'}`, { cause })
    this.logTail = log.tail
  }
}

type Run = {
  process: ChildProcess
  ended: Promise<void>
  hasEnded: boolean
  isExpected: boolean
  isReady: boolean
}

export const superviseChild = (options: ChildOptions): Child => {
  const { name, dataFolder, stopSignal = 'SIGTERM' } = options
  const log = createChildLog(dataFolder, name)
  let run: Run | undefined

  const start = async (): Promise<void> => {
    if (run) throw new Error(`${name} is running already (pid ${run.process.pid})`)
    run = launch()
    await untilReady(run)
    run.isReady = true
  }

  const launch = (): Run => {
    const descriptor = log.open()
    const child = spawn(options.command, options.arguments, {
      // A process group of its own: the terminal's Ctrl-C must not reach it, the supervisor stops children in order.
      detached: true,
      stdio: ['ignore', descriptor, descriptor],
      env: options.environment ?? process.env,
      ...(options.workingDirectory === undefined ? {} : { cwd: options.workingDirectory }),
      ...options.user,
    })
    closeSync(descriptor)
    if (child.pid !== undefined) recordPid(dataFolder, { name, pid: child.pid, stopSignal })
    const launched: Run = {
      process: child,
      hasEnded: false,
      isExpected: false,
      isReady: false,
      ended: new Promise((resolve) => {
        child.once('error', (error) => ended(launched, resolve, error))
        child.once('exit', () => ended(launched, resolve))
      }),
    }
    liveRuns.set(launched, stopSignal)
    return launched
  }

  const ended = (finished: Run, resolve: () => void, spawnError?: Error): void => {
    if (finished.hasEnded) return
    finished.hasEnded = true
    liveRuns.delete(finished)
    forgetPid(dataFolder, name)
    if (run === finished) run = undefined
    if (spawnError) spawnErrors.set(finished, spawnError)
    resolve()
    if (finished.isReady && !finished.isExpected) options.onUnexpectedExit?.(describeExit(finished.process))
  }

  const describeExit = ({ exitCode, signalCode }: ChildProcess): ChildExit => ({
    name,
    code: exitCode,
    signal: signalCode,
    logTail: log.tail(),
    logFile: log.file,
  })

  const untilReady = async (started: Run): Promise<void> => {
    const timeout = options.readyTimeoutMilliseconds ?? 30_000
    const deadline = Date.now() + timeout
    let lastError: unknown
    if (started.process.pid === undefined) await started.ended // it could not be spawned
    while (Date.now() < deadline) {
      if (started.hasEnded) throw endedTooSoon(started)
      try {
        if (await answersBefore(deadline, started)) return
      } catch (error) {
        lastError = error
      }
      await Promise.race([sleep(20), started.ended])
    }
    await kill()
    throw new ChildStartError(
      `${name} was not ready after ${timeout / 1000} seconds`,
      { file: log.file, tail: log.tail() },
      lastError,
    )
  }

  const answersBefore = async (deadline: number, started: Run): Promise<boolean> => {
    const timer = new AbortController()
    try {
      return await Promise.race([
        options.ready().then(() => !started.hasEnded),
        started.ended.then(() => false),
        sleep(Math.max(1, deadline - Date.now()), false, { signal: timer.signal }),
      ])
    } finally {
      timer.abort()
    }
  }

  const endedTooSoon = (started: Run): ChildStartError => {
    const { exitCode, signalCode } = started.process
    const how = started.isExpected
      ? 'was stopped'
      : spawnErrors.has(started)
        ? 'could not be run'
        : `ended with ${signalCode ?? `exit code ${exitCode}`}`
    const message = `${name} ${how} before it was ready`
    return new ChildStartError(message, { file: log.file, tail: log.tail() }, spawnErrors.get(started))
  }

  const stop = async (): Promise<void> => {
    const stopping = run
    if (!stopping) return
    stopping.isExpected = true
    stopping.process.kill(stopSignal)
    const timer = new AbortController()
    const grace = sleep(options.stopGraceMilliseconds ?? 10_000, 'grace over', { signal: timer.signal })
    const outcome = await Promise.race([stopping.ended, grace])
    timer.abort()
    grace.catch(() => undefined) // the abort above
    if (outcome === 'grace over') await kill()
  }

  const kill = async (): Promise<void> => {
    const killed = run
    if (!killed) return
    killed.isExpected = true
    killGroup(killed.process)
    await killed.ended
  }

  return {
    name,
    logFile: log.file,
    pid: () => run?.process.pid,
    isRunning: () => run !== undefined,
    start,
    stop,
    kill,
  }
}

const spawnErrors = new WeakMap<Run, Error>()

const killGroup = (child: ChildProcess): void => {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL') // the group is gone when only its leader's exit has not been reported yet
  }
}

// Children are in process groups of their own, so that they would outlive a supervisor that ends without stopping them
// (an uncaught error, process.exit). Only a SIGKILL escapes this; endOrphans is for that.
const liveRuns = new Map<Run, StopSignal>()
process.on('exit', () => {
  for (const [run, signal] of liveRuns) run.process.kill(signal)
})
