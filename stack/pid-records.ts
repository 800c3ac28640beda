import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { processIdentity } from './process-identity.ts'

const PidRecord = Type.Object({
  name: Type.String(),
  pid: Type.Integer({ minimum: 2 }),
  identity: Type.String(),
  stopSignal: Type.Union([Type.Literal('SIGTERM'), Type.Literal('SIGINT')]),
})

export type PidRecord = Static<typeof PidRecord>

export type StopSignal = PidRecord['stopSignal']

const folderOf = (dataFolder: string): string => path.join(dataFolder, 'run')

const fileOf = (dataFolder: string, name: string): string =>
  path.join(folderOf(dataFolder), `${name}.pid.json`)

/**
 * Notes a child that was just spawned, so that the next start can end it if this process is killed. Synchronous:
 * nothing may come between the spawn and the note.
 */
export const recordPid = (
  dataFolder: string,
  child: { name: string; pid: number; stopSignal: StopSignal },
): void => {
  const identity = processIdentity(child.pid)
  if (identity === undefined) return // it has ended already
  const file = fileOf(dataFolder, child.name)
  mkdirSync(folderOf(dataFolder), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify({ ...child, identity } satisfies PidRecord))
  renameSync(`${file}.new`, file)
}

export const forgetPid = (dataFolder: string, name: string): void => {
  rmSync(fileOf(dataFolder, name), { force: true })
}

/**
 * Ends the children that a killed supervisor left behind in this data folder. Only processes whose pid *and* start
 * time are the recorded ones are touched. Call it while holding the data folder's lock.
 */
export const endOrphans = async (dataFolder: string, graceMilliseconds = 10_000): Promise<PidRecord[]> => {
  const orphans = readRecords(dataFolder).filter(isAlive)
  await Promise.all(orphans.map((orphan) => endOrphan(orphan, graceMilliseconds)))
  rmSync(folderOf(dataFolder), { recursive: true, force: true })
  return orphans
}

const isAlive = (record: PidRecord): boolean => processIdentity(record.pid) === record.identity

const endOrphan = async (orphan: PidRecord, graceMilliseconds: number): Promise<void> => {
  signal(orphan, orphan.stopSignal)
  if (await ended(orphan, graceMilliseconds)) return
  signal(orphan, 'SIGKILL')
  if (await ended(orphan, 5_000)) return
  throw new Error(`The ${orphan.name} process ${orphan.pid}, left by an earlier run, could not be ended`)
}

const signal = (orphan: PidRecord, name: NodeJS.Signals): void => {
  try {
    process.kill(orphan.pid, name)
  } catch (error) {
    if (isAlive(orphan)) {
      throw new Error(`The ${orphan.name} process ${orphan.pid}, left by an earlier run, refuses signals`, {
        cause: error,
      })
    }
  }
}

const ended = async (orphan: PidRecord, milliseconds: number): Promise<boolean> => {
  const deadline = Date.now() + milliseconds
  while (isAlive(orphan)) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}

const readRecords = (dataFolder: string): PidRecord[] => {
  let names: string[]
  try {
    names = readdirSync(folderOf(dataFolder))
  } catch {
    return [] // no earlier run
  }
  return names
    .filter((name) => name.endsWith('.pid.json'))
    .map((name) =>
      Value.Parse(PidRecord, JSON.parse(readFileSync(path.join(folderOf(dataFolder), name), 'utf8'))),
    )
}
