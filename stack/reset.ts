/** `npm run reset`: removes the data of the local stack: databases, streams, workflows, ledgers, logs and keys. */
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { parseCommandLine } from '#platform/command-line.ts'
import { isLockFile, lockDataFolder } from './data-folder-lock.ts'
import { dataFolderOf } from './data-folder.ts'
import { endOrphans } from './pid-records.ts'

const USAGE = `npm run reset -- [--binaries]

Removes the data of the local stack: databases, streams, workflows, ledgers, logs and keys.

  --binaries   remove the installed server binaries too; the next start installs them again`

const { values } = parseCommandLine(USAGE, {
  options: { binaries: { type: 'boolean', default: false }, help: { type: 'boolean' } },
})

const print = (line: string): void => void process.stdout.write(`${line}\n`)

try {
  if (values.help === true) print(USAGE)
  else await reset(dataFolderOf())
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

/** Refuses while a stack runs on the folder; ends what a killed one left behind. */
async function reset(dataFolder: string): Promise<void> {
  if (!existsSync(dataFolder)) return print('There is nothing to remove.')
  const unlock = await lockDataFolder(dataFolder)
  await endOrphans(dataFolder)
  const kept = new Set(values.binaries ? [] : ['bin-cache'])
  for (const entry of await readdir(dataFolder)) {
    if (kept.has(entry) || isLockFile(entry)) continue
    await rm(path.join(dataFolder, entry), { recursive: true, force: true })
  }
  await unlock()
  print(`Removed the data in ${dataFolder}.`)
}
