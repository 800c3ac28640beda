import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { DataFolderInUseError, lockDataFolder } from './data-folder-lock.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

const takeAndGiveBack = async (dataFolder: string): Promise<void> => {
  const unlock = await lockDataFolder(dataFolder)
  await unlock()
}

const leaveStaleLock = (dataFolder: string): void => {
  mkdirSync(dataFolder)
  const stale = { pid: process.pid, identity: 'another-boot:1', since: 'long ago', token: 'x' }
  writeFileSync(path.join(dataFolder, 'stack.lock'), JSON.stringify(stale))
}

describe('lockDataFolder', () => {
  test('a folder in use is refused with the pid that uses it, and free again afterwards', async () => {
    const dataFolder = path.join(folder.path, 'used')
    const unlock = await lockDataFolder(dataFolder)
    await expect(lockDataFolder(dataFolder)).rejects.toThrow(DataFolderInUseError)
    await expect(lockDataFolder(dataFolder)).rejects.toThrow(`pid ${process.pid}`)
    await unlock()
    const unlockAgain = await lockDataFolder(dataFolder)
    await unlock() // the earlier holder's key no longer fits
    await expect(lockDataFolder(dataFolder)).rejects.toThrow(DataFolderInUseError)
    await unlockAgain()
  })

  test('the lock of a process that ended is taken over', async () => {
    const dataFolder = path.join(folder.path, 'crashed')
    const lock = path.join(import.meta.dirname, 'data-folder-lock.ts')
    const script = `import { lockDataFolder } from ${JSON.stringify(lock)}
      await lockDataFolder(${JSON.stringify(dataFolder)})`
    expect(spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script]).status).toBe(0)
    await expect(takeAndGiveBack(dataFolder)).resolves.toBeUndefined()
  })

  test('a lock whose pid was given to another process is taken over', async () => {
    const dataFolder = path.join(folder.path, 'reused')
    leaveStaleLock(dataFolder)
    await expect(takeAndGiveBack(dataFolder)).resolves.toBeUndefined()
  })

  test('of many that want it at once, over a stale lock, one gets it', async () => {
    const dataFolder = path.join(folder.path, 'contended')
    leaveStaleLock(dataFolder)
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataFolder(dataFolder)))
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})
