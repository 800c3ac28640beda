/** The processes below one, what they are, their memory and their processor time, read from /proc (Linux only). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'

export interface ProcessStat {
  pid: number
  parent: number
  command: string
  /** Time on a processor so far, in user and kernel mode, in seconds. */
  processorSeconds: number
}

export interface Memory {
  /** Resident, pages shared with others counted in full. Bytes. */
  resident: number
  /** Resident, each shared page divided among its sharers; undefined where the kernel does not tell. Bytes. */
  proportional: number | undefined
}

/** Of clock ticks, which Linux reports 100 a second on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100

/** Reads one line of /proc/PID/stat. The command stands in parentheses and may hold spaces and parentheses itself. */
export function parseStat(line: string): ProcessStat | undefined {
  const open = line.indexOf('(')
  const close = line.lastIndexOf(')')
  if (open < 0 || close < open) return undefined
  const fields = line.slice(close + 2).split(' ')
  return {
    pid: Number(line.slice(0, open)),
    command: line.slice(open + 1, close),
    parent: Number(fields[1]),
    processorSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  }
}

/** The process and everything that descends from it. */
export function treeBelow(root: number, all: readonly ProcessStat[]): ProcessStat[] {
  const children = Map.groupBy(all, ({ parent }) => parent)
  const found = all.filter(({ pid }) => pid === root)
  // the list grows while it is walked: the children of those found are found next
  for (const process of found) found.push(...(children.get(process.pid) ?? []))
  return found
}

/** Reads `Rss:` and `Pss:` of /proc/PID/smaps_rollup, or `VmRSS:` of /proc/PID/status. */
export function parseMemory(text: string): Memory {
  const bytes = (label: string): number | undefined => {
    const found = new RegExp(`^${label}:\\s+(\\d+) kB$`, 'm').exec(text)
    return found === null ? undefined : Number(found[1]) * 1024
  }
  return { resident: bytes('Rss') ?? bytes('VmRSS') ?? 0, proportional: bytes('Pss') }
}

const SERVERS: readonly { part: string; program: RegExp }[] = [
  { part: 'PostgreSQL', program: /^postgres$/ },
  { part: 'Temporal', program: /^temporal/ },
  { part: 'NATS', program: /^nats-server$/ },
  { part: 'Node', program: /^node/ },
]

/** `PostgreSQL`, `Temporal`, `NATS` or `Node`; anything else by its own name. */
export const partOf = (program: string): string =>
  SERVERS.find((server) => server.program.test(program))?.part ?? program

export function readProcesses(): ProcessStat[] {
  return readdirSync('/proc').flatMap((entry) => {
    const line = /^\d+$/.test(entry) ? readOrUndefined(`/proc/${entry}/stat`) : undefined
    const stat = line === undefined ? undefined : parseStat(line)
    return stat === undefined ? [] : [stat]
  })
}

/** The threads of this process and their processor time; those that have ended are missing. */
export function readOwnThreads(): ProcessStat[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const line = readOrUndefined(`/proc/self/task/${thread}/stat`)
    const stat = line === undefined ? undefined : parseStat(line)
    return stat === undefined ? [] : [stat]
  })
}

/** Undefined when the process has ended. */
export function readMemory(pid: number): Memory | undefined {
  const text = readOrUndefined(`/proc/${pid}/smaps_rollup`) ?? readOrUndefined(`/proc/${pid}/status`)
  return text === undefined ? undefined : parseMemory(text)
}

/** The program that a process runs; a process gives itself other names (`node-MainThread`, `postgres: io worker`). */
export function programOf({ pid, command }: Pick<ProcessStat, 'pid' | 'command'>): string {
  try {
    return path.basename(readlinkSync(`/proc/${pid}/exe`))
  } catch {
    return command // it ended, or is not ours to look at
  }
}

function readOrUndefined(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined // the process ended between two looks
  }
}
