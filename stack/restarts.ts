/** Servers and processes of the local stack that end by themselves are started again, as a supervisor of a deployment does. */
import type { Child, ChildExit } from './children.ts'

/** What ends more often than this within the time has a cause that goes on: it stays away for a person to see. */
const MOST_RESTARTS = 5
const WITHIN_MS = 60_000

export interface Restarts {
  /** Takes what ended by itself; says what becomes of it. */
  take(exit: ChildExit): void
  /** From now on nothing is started again. Resolves when no start is under way. */
  end(): Promise<void>
}

/** @param find the child of this name, where there is one that can be started again */
export function createRestarts(
  find: (name: string) => Pick<Child, 'start'> | undefined,
  print: (line: string) => void,
): Restarts {
  const moments = new Map<string, number[]>()
  const underWay = new Set<Promise<void>>()
  let ended = false

  function take({ name, signal, code, logFile, logTail }: ChildExit): void {
    if (ended) return
    const child = find(name)
    const recent = (moments.get(name) ?? []).filter((at) => at > performance.now() - WITHIN_MS)
    const again = child !== undefined && recent.length < MOST_RESTARTS
    moments.set(name, [...recent, performance.now()])
    const then = again ? 'it is started again' : 'it stays away: Ctrl-C, and npm start once its cause is gone'
    print(`${name} ended by itself (${signal ?? code}), ${then}; see ${logFile}\n${logTail}`)
    if (!again) return
    const start = child.start().then(
      () => print(`${name} is back`),
      (error: unknown) => {
        if (!ended)
          print(
            `${name} could not be started again: ${error instanceof Error ? error.message : String(error)}`,
          )
      },
    )
    underWay.add(start)
    void start.finally(() => underWay.delete(start))
  }

  return {
    take,
    async end() {
      ended = true
      await Promise.all(underWay)
    },
  }
}
