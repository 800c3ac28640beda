import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * What tells this process apart from a later one that was given the same pid: the boot and the moment it started.
 * Undefined when no such process lives (a zombie does not).
 */
export const processIdentity = (pid: number): string | undefined =>
  process.platform === 'linux' ? identityFromProc(pid) : identityFromPs(pid)

const identityFromProc = (pid: number): string | undefined => {
  const stat = readOrUndefined(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The command's name is in parentheses and may hold spaces and parentheses: the fields count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  if (state === 'Z' || state === 'X' || startTime === undefined) return undefined
  return `${bootId()}:${startTime}`
}

const bootId = (): string => readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown-boot'

const identityFromPs = (pid: number): string | undefined => {
  let line: string
  try {
    line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' })
  } catch {
    return undefined // ps answers with status 1 when there is no such process
  }
  const [state = 'Z', ...started] = line.trim().split(/\s+/)
  return state.startsWith('Z') ? undefined : started.join(' ')
}

const readOrUndefined = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined // the process ended, or belongs to somebody we may not look at
  }
}
