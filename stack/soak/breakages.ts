/** What can be killed of a stack whose parts are processes, and brought back. */
import { PROCESS_NAMES } from '../environments.ts'
import type { Stack } from '../stack.ts'

export interface Breakable {
  name: string
  /** SIGKILL. */
  kill(): Promise<void>
  start(): Promise<void>
}

/** Every server and every process, and all of them at once: a machine that fails. */
export function breakablesOf({ infrastructure, processes }: Stack): Breakable[] {
  if (processes === undefined) throw new Error('the parts of this stack are no processes')
  const servers = [infrastructure.postgres, infrastructure.nats, infrastructure.temporal]
  const parts = PROCESS_NAMES.map((name) => processes.children[name])
  const everything: Breakable = {
    name: 'everything',
    async kill() {
      await Promise.all([...parts, ...servers].map((each) => each.kill()))
    },
    async start() {
      await Promise.all(servers.map((each) => each.start()))
      await Promise.all(parts.map((each) => each.start()))
    },
  }
  return [...servers, ...parts, everything]
}
