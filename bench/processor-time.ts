/** Who used the processors: this process's tree by part, and this process by kind of thread. */
import { partOf, programOf, readOwnThreads, readProcesses, treeBelow } from './process-tree.ts'

/** Seconds on a processor by name. */
export type ProcessorTime = ReadonlyMap<string, number>

/** Linux cuts the names of threads off after 15 characters. */
const THREADS: readonly { kind: string; name: RegExp }[] = [
  { kind: 'JavaScript: platform and load', name: /^(node|node-MainThread|MainThread)/ },
  { kind: 'workflow sandboxes', name: /^(WorkerThread|node-WorkerThre)/ },
  { kind: "Temporal's native core", name: /^(tokio|temporal|core-)/ },
  { kind: 'V8 and I/O helpers', name: /^(V8|DelayedTask|SignalIns|libuv|node-V8)/ },
]

export const threadKind = (name: string): string =>
  THREADS.find((thread) => thread.name.test(name))?.kind ?? 'other threads'

const total = (entries: readonly (readonly [string, number])[]): ProcessorTime => {
  const sums = new Map<string, number>()
  for (const [name, seconds] of entries) sums.set(name, (sums.get(name) ?? 0) + seconds)
  return sums
}

export const processorTimeByPart = (): ProcessorTime =>
  total(
    treeBelow(process.pid, readProcesses()).map((stat) => [partOf(programOf(stat)), stat.processorSeconds]),
  )

export const processorTimeByThread = (): ProcessorTime =>
  total(
    readOwnThreads().map(({ pid, command, processorSeconds }) => [
      pid === process.pid ? threadKind('MainThread') : threadKind(command),
      processorSeconds,
    ]),
  )

/** What was used in between. */
export const since = (before: ProcessorTime, after: ProcessorTime): ProcessorTime =>
  new Map([...after].map(([name, seconds]) => [name, Math.max(0, seconds - (before.get(name) ?? 0))]))

/** Name by name. */
export const add = (one: ProcessorTime, other: ProcessorTime): ProcessorTime => total([...one, ...other])

/** Of the sum of all, largest first. */
export function shares(times: ProcessorTime): { name: string; seconds: number; share: number }[] {
  const sum = [...times.values()].reduce((all, seconds) => all + seconds, 0)
  return [...times]
    .map(([name, seconds]) => ({ name, seconds, share: seconds / sum }))
    .toSorted((a, b) => b.seconds - a.seconds)
}
