import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { HELP } from './cli-usage.ts'
import { runCommand } from './commands.ts'
import { openUsers } from './testing.ts'

let users: Awaited<ReturnType<typeof openUsers>>
let run: (...words: string[]) => Promise<string>
beforeAll(async () => {
  const url = await freshDatabase('users')
  users = await openUsers(url)
  const environment = { DATABASE_URL: url, KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  run = (...words) => runCommand(words, environment)
})
afterAll(() => users.store.$disconnect())

describe('npm run users', () => {
  test('invites the first admin, whose token sets the password', async () => {
    const said = await run('invite-admin', 'first@example.test')
    const token = /"token": "([^"]+)"/.exec(said)?.[1] ?? ''
    await users.useCases.acceptInvitation({ token, password: 'first password' })
    await expect(users.login('first@example.test', 'first password')).resolves.toBeDefined()
    await expect(run('invite-admin', 'First@example.test')).rejects.toThrow(/has an account already/)
  })

  test('grants and takes roles, and keeps the last admin', async () => {
    const { id, email } = await users.person('customer')
    expect(await run('grant', email, 'operator')).toBe(`${email} has the roles: customer, operator.`)
    expect(await run('revoke-role', email, 'customer')).toBe(`${email} has the roles: operator.`)
    expect((await users.useCases.readUser(id)).roles).toEqual(['operator'])
    await expect(run('revoke-role', 'first@example.test', 'admin')).rejects.toThrow(
      /another account an admin/,
    )
    await expect(run('grant', email, 'king')).rejects.toThrow(/the role/)
    await expect(run('grant', 'nobody@example.test', 'admin')).rejects.toThrow(
      /no account nobody@example.test/,
    )
  })

  test('disables an account', async () => {
    const { email } = await users.person('customer')
    await run('disable', email)
    await expect(users.login(email)).rejects.toThrow(expect.objectContaining({ code: 'invalid_credentials' }))
  })

  test('publishes a new signing key once', async () => {
    expect(await run('rotate-keys')).toMatch(/is published and signs from/)
    expect(await run('rotate-keys')).toMatch(/was published before/)
  })

  test('explains itself when it is not understood, and names a missing DATABASE_URL', async () => {
    await expect(run()).rejects.toThrow(HELP)
    await expect(run('grant', 'x@example.test')).rejects.toThrow(HELP)
    await expect(run('toString')).rejects.toThrow(HELP)
    await expect(runCommand(['disable', 'x@example.test'], {})).rejects.toThrow(/DATABASE_URL is required/)
  })
})
