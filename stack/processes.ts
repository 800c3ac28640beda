/** The platform as it is deployed: each part a process of its own, which can be stopped, killed and started again. */
import path from 'node:path'
import { SERVICE_NAMES, type Ports } from '#contracts/services.ts'
import type { Environment } from '#platform/config.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import { superviseChild, type Child, type ChildExit } from './children.ts'
import { PROCESS_NAMES, type ProcessName } from './environments.ts'

export interface ProcessesOptions {
  environments: Record<ProcessName, Environment>
  dataFolder: string
  ports: Ports
  onProgress: (message: string) => void
  onUnexpectedExit?: (exit: ChildExit) => void
}

export interface PlatformProcesses extends Stoppable {
  readonly children: Readonly<Record<ProcessName, Child>>
}

const root = path.resolve(import.meta.dirname, '..')

/** Where the process is started from, relative to the repository. */
export function entryOf(name: ProcessName): string {
  if (name === 'gateway') return 'gateway/main.ts'
  return SERVICE_NAMES.some((service) => service === name)
    ? `services/${name}/main.ts`
    : `sandbox/${name}/main.ts`
}

export async function startProcesses(options: ProcessesOptions): Promise<PlatformProcesses> {
  const { environments, dataFolder, ports, onProgress, onUnexpectedExit } = options
  const create = (name: ProcessName): Child =>
    superviseChild({
      name,
      command: process.execPath,
      arguments: [path.join(root, entryOf(name))],
      dataFolder,
      workingDirectory: root,
      environment: { ...process.env, ...environments[name] },
      ready: () => answers(`http://127.0.0.1:${ports[name]}/readyz`),
      readyTimeoutMilliseconds: 60_000,
      stopGraceMilliseconds: 25_000,
      onUnexpectedExit,
    })
  // fromEntries forgets which keys it was given
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const children = Object.fromEntries(PROCESS_NAMES.map((name) => [name, create(name)])) as Record<
    ProcessName,
    Child
  >
  const stop = async (): Promise<void> => {
    await children.gateway.stop()
    await Promise.all(PROCESS_NAMES.map((name) => children[name].stop()))
  }
  try {
    await Promise.all(
      PROCESS_NAMES.map(async (name) => {
        await children[name].start()
        onProgress(`${name} is ready (pid ${children[name].pid()})`)
      }),
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { children, stop }
}

async function answers(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
}
