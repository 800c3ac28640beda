import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadPlatformKeys } from './platform-keys.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mainstay-keys-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const file = () => path.join(folder, 'platform-keys.json')

describe('the keys of a local stack', () => {
  test('are made once, for its owner only', async () => {
    const [first, second] = await Promise.all([loadPlatformKeys(folder), loadPlatformKeys(folder)])
    expect(second).toEqual(first)
    expect(await loadPlatformKeys(folder)).toEqual(first)
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    for (const key of Object.values(first)) expect(key.length).toBeGreaterThanOrEqual(32)
  })

  test('of an earlier version are kept, and the one that it lacks is made once', async () => {
    const { webhookMasterSecret, ...earlier } = await loadPlatformKeys(folder)
    await writeFile(file(), JSON.stringify(earlier))
    const completed = await loadPlatformKeys(folder)
    expect(completed).toMatchObject(earlier)
    expect(completed.webhookMasterSecret).toMatch(/^[0-9a-f]{64}$/)
    expect(completed.webhookMasterSecret).not.toBe(webhookMasterSecret)
    expect(await loadPlatformKeys(folder)).toEqual(completed)
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(completed)
  })

  test('that cannot be read are an error, not new keys', async () => {
    await writeFile(file(), '{"gatewaySigningKey": 1}')
    await expect(loadPlatformKeys(folder)).rejects.toThrow(/can't be read as the platform's keys/)
    expect(await readFile(file(), 'utf8')).toBe('{"gatewaySigningKey": 1}')
  })
})
