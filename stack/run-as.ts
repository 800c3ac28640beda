import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** How to run a program that refuses to be root: under which user, and through which command. */
export type RunAs = { user?: { uid: number; gid: number }; command: readonly string[] }

const AS_OURSELVES: RunAs = { command: [] }

/**
 * PostgreSQL refuses to run as root. When this process is root, its programs run as the owner of the data they work on,
 * or else as the system's `postgres` or `nobody` (no user is created). Where that user can't reach the files (a checkout
 * under /root), setpriv leaves it root's right to pass through folders.
 */
export const unprivilegedUser = (options: { dataFolder: string; mustReach: readonly string[] }): RunAs => {
  if (process.getuid?.() !== 0) return AS_OURSELVES
  const user = ownerOf(options.dataFolder) ?? systemUser()
  if (options.mustReach.every(isOpenToAll)) return { user, command: [] }
  return { command: withCapability(user, options.mustReach) }
}

const ownerOf = (folder: string): { uid: number; gid: number } | undefined => {
  const found = statSync(folder, { throwIfNoEntry: false })
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined
}

const systemUser = (): { uid: number; gid: number } => {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (!found) throw new Error('PostgreSQL cannot run as root and there is neither a user postgres nor nobody')
  return { uid: Number(found[2]), gid: Number(found[3]) }
}

/** Every folder above may be entered by anybody. */
const isOpenToAll = (file: string): boolean => {
  const folder = path.dirname(path.resolve(file))
  return (statSync(folder).mode & 0o001) !== 0 && (folder === path.parse(folder).root || isOpenToAll(folder))
}

const withCapability = (user: { uid: number; gid: number }, files: readonly string[]): readonly string[] => {
  // The first is the narrower one; containers often only have the second.
  for (const capability of ['dac_read_search', 'dac_override']) {
    const command = [
      ...['setpriv', '--reuid', String(user.uid), '--regid', String(user.gid), '--clear-groups'],
      ...['--inh-caps', `+${capability}`, '--ambient-caps', `+${capability}`],
    ]
    if (files.every((file) => canReach(command, file))) return command
  }
  throw new Error(
    `PostgreSQL cannot run as root, and user ${user.uid} cannot enter the folders above ${files.join(' and ')}: ` +
      'run this as another user, or move them to a folder that everybody may enter',
  )
}

const canReach = (command: readonly string[], file: string): boolean => {
  const [program = '', ...rest] = command
  try {
    execFileSync(program, [...rest, 'test', '-e', file], { stdio: 'ignore' })
    return true
  } catch {
    return false // no setpriv, or this capability is not ours to give
  }
}
