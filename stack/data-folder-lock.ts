import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { createPrivateFile, hasCode, writePrivateFile } from './private-files.ts'
import { processIdentity } from './process-identity.ts'

/**
 * The lock is a row of numbered files, each made once and never by two; the last one says who has the folder. The
 * number only grows, and so nobody can take a holder away that he has not read: of several that find the same dead
 * holder at the end one makes the next file. (One file that the dead leave and the living remove can't do this: whoever
 * removes it late removes his successor's.)
 */
const Holder = Type.Object({
  pid: Type.Integer(),
  identity: Type.String(),
  since: Type.String(),
  givenBack: Type.Boolean(),
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
  const mine: Holder = {
    pid: process.pid,
    identity: processIdentity(process.pid) ?? 'unknown',
    since: new Date().toISOString(),
    givenBack: false,
  }
  for (;;) {
    const last = Math.max(0, ...(await numbersIn(dataFolder)))
    const holder = last > 0 ? await readHolder(lockFile(dataFolder, last)) : 'nobody'
    if (holder === undefined) continue // there is a later one by now
    if (holder !== 'nobody' && isHeld(holder)) throw new DataFolderInUseError(dataFolder, holder)
    if (await takeNumber(dataFolder, last + 1, mine)) {
      const file = lockFile(dataFolder, last + 1)
      return () => writePrivateFile(file, JSON.stringify({ ...mine, givenBack: true }))
    }
  }
}

/** Whether a file of the data folder belongs to its lock: who empties the folder leaves it. */
export const isLockFile = (name: string): boolean => LOCK_FILE.test(name)

const LOCK_FILE = /^stack\.(\d+)\.lock$/

const lockFile = (dataFolder: string, number: number): string => path.join(dataFolder, `stack.${number}.lock`)

const numbersIn = async (dataFolder: string): Promise<number[]> =>
  (await readdir(dataFolder)).flatMap((name) => LOCK_FILE.exec(name)?.[1] ?? []).map(Number)

const isHeld = ({ pid, identity, givenBack }: Holder): boolean =>
  !givenBack && processIdentity(pid) === identity

/** Answers false when another was faster, also when so much that its file with this number is gone already. */
const takeNumber = async (dataFolder: string, number: number, mine: Holder): Promise<boolean> => {
  const file = lockFile(dataFolder, number)
  if (!(await createPrivateFile(file, JSON.stringify(mine)))) return false
  const others = (await numbersIn(dataFolder)).filter((other) => other !== number)
  if (others.some((other) => other > number)) {
    await rm(file, { force: true })
    return false
  }
  for (const earlier of others) await rm(lockFile(dataFolder, earlier), { force: true })
  return true
}

const readHolder = async (file: string): Promise<Holder | undefined> => {
  try {
    return Value.Parse(Holder, JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new Error(`The lock file ${file} can't be read; remove it if no stack is running`, { cause: error })
  }
}
