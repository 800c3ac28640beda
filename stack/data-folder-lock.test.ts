import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import * as files from 'node:fs/promises'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { DataFolderInUseError, lockDataFolder } from './data-folder-lock.ts'
import { temporaryFolder } from './temporary-folder.ts'

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof files>()
  return { ...real, writeFile: vi.fn<typeof files.writeFile>(real.writeFile) }
})

const folder = temporaryFolder()
afterAll(() => folder.remove())

const takeAndGiveBack = async (dataFolder: string): Promise<void> => {
  const unlock = await lockDataFolder(dataFolder)
  await unlock()
}

const leaveStaleLock = (dataFolder: string): void => {
  mkdirSync(dataFolder)
  const stale = { pid: process.pid, identity: 'another-boot:1', since: 'long ago', givenBack: false }
  writeFileSync(path.join(dataFolder, 'stack.7.lock'), JSON.stringify(stale))
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

  test('who found a dead holder and was then slow takes it from nobody', async () => {
    const dataFolder = path.join(folder.path, 'slow')
    leaveStaleLock(dataFolder)
    const real = vi.mocked(files.writeFile).getMockImplementation()!
    const goOn = Promise.withResolvers<void>()
    const slowed = Promise.withResolvers<void>()
    vi.mocked(files.writeFile).mockImplementationOnce(async (...call) => {
      slowed.resolve()
      await goOn.promise
      return real(...call)
    })
    const slow = lockDataFolder(dataFolder)
    await slowed.promise
    await takeAndGiveBack(dataFolder)
    const unlock = await lockDataFolder(dataFolder)
    goOn.resolve()
    await expect(slow).rejects.toThrow(DataFolderInUseError)
    await unlock()
    await expect(takeAndGiveBack(dataFolder)).resolves.toBeUndefined()
  })

  test('of many that want it at once, over a stale lock, one gets it', async () => {
    for (let round = 0; round < 20; round += 1) {
      const dataFolder = path.join(folder.path, `contended-${round}`)
      leaveStaleLock(dataFolder)
      const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataFolder(dataFolder)))
      expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })

  test('of many that take it, give it back and take it again, never two have it', async () => {
    const dataFolder = path.join(folder.path, 'passed-on')
    leaveStaleLock(dataFolder)
    let having = 0
    let taken = 0
    const takeOften = async (): Promise<void> => {
      for (let round = 0; round < 20; round += 1) {
        const unlock = await lockDataFolder(dataFolder).catch(() => undefined)
        if (!unlock) continue
        having += 1
        taken += 1
        expect(having).toBe(1)
        await setImmediate()
        having -= 1
        await unlock()
      }
    }
    await Promise.all(Array.from({ length: 10 }, takeOften))
    expect(taken).toBeGreaterThan(0)
    expect(readdirSync(dataFolder)).toHaveLength(1)
  })
})
