import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadSecrets, passwordOf } from './secrets.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())
const file = path.join(folder.path, 'secrets.json')

describe('loadSecrets', () => {
  test('passwords are made once, each its own, in a file for its owner only', async () => {
    const secrets = await loadSecrets(folder.path)
    const all = [
      secrets.postgresSuperuser,
      ...Object.values(secrets.postgres),
      ...Object.values(secrets.nats),
    ]
    expect(new Set(all).size).toBe(1 + 5 + 8)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await loadSecrets(folder.path)).toEqual(secrets)
  })

  test('a user added since is given a password and the others keep theirs', async () => {
    const before = await loadSecrets(folder.path)
    const { operator: _removed, ...rest } = before.nats
    writeFileSync(file, JSON.stringify({ ...before, nats: rest }))
    const after = await loadSecrets(folder.path)
    expect(after.nats).toMatchObject(rest)
    expect(passwordOf(after.nats, 'operator')).toHaveLength(48)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(after)
  })

  test('lost secrets of databases that exist are not made anew', async () => {
    mkdirSync(path.join(folder.path, 'postgres'))
    rmSync(file)
    await expect(loadSecrets(folder.path)).rejects.toThrow(/secrets\.json is gone/)
  })
})
