/** `npm start` as a child: the whole stack in a process of its own, as people run it, on ports and a folder of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { portVariable, type Ports } from '#contracts/services.ts'
import { PORT_NAMES } from '#stack/ports.ts'

export interface StackProcess {
  readonly pid: number
  /** From the start of the process until the gateway reported everything healthy. */
  readonly secondsUntilHealthy: number
  /** Asks it to end and waits until it has; the seconds that took. */
  stop(): Promise<number>
}

const root = path.resolve(import.meta.dirname, '..')
const LOOK_EVERY_MS = 20
const HEALTHY_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 60_000
const KEPT_OUTPUT = 4_000

/** @throws when it ends or the time is up before it is healthy; then it does not run any more */
export async function startStackProcess({
  dataFolder,
  ports,
}: {
  dataFolder: string
  ports: Ports
}): Promise<StackProcess> {
  const began = performance.now()
  const child = spawn(process.execPath, ['-r', './stack/require-node.cjs', 'stack/main.ts', '--no-demo'], {
    cwd: root,
    env: { ...process.env, ...portVariables(ports), MAINSTAY_DATA: dataFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // the terminal's Ctrl-C comes here only, and is handed on once
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-KEPT_OUTPUT)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = once(child, 'exit').then(() => 'ended' as const)
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null

  async function stop(): Promise<number> {
    const asked = performance.now()
    if (!hasEnded()) {
      child.kill('SIGTERM')
      const timer = new AbortController()
      const patience = sleep(STOP_TIMEOUT_MS, 'late' as const, { signal: timer.signal }).catch(
        () => 'ended' as const,
      )
      const outcome = await Promise.race([ended, patience])
      timer.abort()
      if (outcome === 'late') {
        child.kill('SIGKILL')
        await ended
        throw new Error(`the stack did not end within ${STOP_TIMEOUT_MS / 1000} s and was killed`)
      }
    }
    return (performance.now() - asked) / 1000
  }

  for (;;) {
    if (await isHealthy(ports.gateway)) break
    if (hasEnded()) throw new Error(`the stack ended before it was healthy:\n${output}`)
    if (performance.now() - began > HEALTHY_TIMEOUT_MS) {
      await stop()
      throw new Error(`the stack was not healthy after ${HEALTHY_TIMEOUT_MS / 1000} s:\n${output}`)
    }
    await sleep(LOOK_EVERY_MS)
  }
  const secondsUntilHealthy = (performance.now() - began) / 1000
  const { pid } = child
  if (pid === undefined) throw new Error('the stack has no process id')
  return { pid, secondsUntilHealthy, stop }
}

const portVariables = (ports: Ports): Record<string, string> =>
  Object.fromEntries(PORT_NAMES.map((name) => [portVariable(name), String(ports[name])]))

/** The gateway answers 200 to this only when everything behind it is healthy. */
async function isHealthy(gatewayPort: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${gatewayPort}/health`, {
      signal: AbortSignal.timeout(5_000),
    })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false // nothing listens there yet
  }
}
