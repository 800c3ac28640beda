import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { createPrivateFile, hasCode } from './private-files.ts'
import { processIdentity } from './process-identity.ts'

const Holder = Type.Object({
  pid: Type.Integer(),
  identity: Type.String(),
  since: Type.String(),
  token: Type.String(),
})

type Holder = Static<typeof Holder>

export class DataFolderInUseError extends Error {
  override readonly name = 'DataFolderInUseError'

  constructor(dataFolder: string, holder: Holder) {
    super(
      `The data folder ${dataFolder} is in use by a running stack (pid ${holder.pid}, since ${holder.since}). ` +
        'Stop that one first, or give this one another data folder and other ports.',
    )
  }
}

/**
 * Takes the data folder for this process; answers a function that gives it back. A lock left by a process that no
 * longer lives is taken over. Throws `DataFolderInUseError`.
 */
export const lockDataFolder = async (dataFolder: string): Promise<() => Promise<void>> => {
  // Others may pass through (PostgreSQL runs as another user when this is root) but not look around.
  await mkdir(dataFolder, { recursive: true, mode: 0o711 })
  const file = path.join(dataFolder, 'stack.lock')
  const mine: Holder = {
    pid: process.pid,
    identity: processIdentity(process.pid) ?? 'unknown',
    since: new Date().toISOString(),
    token: randomBytes(8).toString('hex'),
  }
  while (!(await createPrivateFile(file, JSON.stringify(mine)))) {
    const holder = await readHolder(file)
    if (!holder) continue // given back in this moment
    if (isAlive(holder)) throw new DataFolderInUseError(dataFolder, holder)
    await removeStale(file, holder)
  }
  return async () => {
    if ((await readHolder(file))?.token === mine.token) await rm(file, { force: true })
  }
}

const isAlive = ({ pid, identity }: Holder): boolean => processIdentity(pid) === identity

/** Of several that found the same stale lock one moves it away; what another has put there meanwhile goes back. */
const removeStale = async (file: string, stale: Holder): Promise<void> => {
  const aside = `${file}.${randomBytes(6).toString('hex')}.stale`
  try {
    await rename(file, aside)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  const moved = await readHolder(aside)
  if (moved && moved.token !== stale.token) await createPrivateFile(file, JSON.stringify(moved))
  await rm(aside, { force: true })
}

const readHolder = async (file: string): Promise<Holder | undefined> => {
  try {
    return Value.Parse(Holder, JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new Error(`The lock file ${file} can't be read; remove it if no stack is running`, { cause: error })
  }
}
