import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { createInviteUser } from './invite-user.ts'
import { countOutcomes, openUsers, PASSWORD } from './testing.ts'

let users: Awaited<ReturnType<typeof openUsers>>
beforeAll(async () => {
  users = await openUsers(await freshDatabase('users'))
})
afterAll(() => users.store.$disconnect())

const code = (value: string) => expect.objectContaining({ code: value })
const newEmail = () => `${randomUUID()}@example.test`
const person = (email: string) => ({ email, password: PASSWORD, name: 'Ann' })

describe('registerUser', () => {
  test('makes a customer who can log in, and tells it by id only', async () => {
    const email = newEmail()
    const user = await users.useCases.registerUser(person(email))
    expect(user).toEqual({
      id: expect.any(String),
      email,
      name: 'Ann',
      phone: null,
      roles: ['customer'],
      disabled: false,
      createdAt: expect.any(String),
    })
    await expect(users.login(email)).resolves.toBeDefined()
    expect(await users.events(user.id)).toEqual([[1, 'user.registered', { userId: user.id }]])
    const [row] = await users.store.$queryRaw<{ hash: string }[]>`
      SELECT password_hash AS hash FROM users WHERE id = ${user.id}::uuid`
    expect(row?.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  })

  test('of ten at once with one address in different cases one is made, the others are email_taken', async () => {
    const email = newEmail()
    const count = await users.store.outbox.count()
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        users.useCases.registerUser(person(index % 2 === 0 ? email : email.toUpperCase())),
      ),
    )
    expect(countOutcomes(results)).toEqual({ ok: 1, email_taken: 9 })
    expect(await users.store.outbox.count()).toBe(count + 1)
  })

  test('a taken address is no error of the database, which would log it', async () => {
    const email = newEmail()
    await users.useCases.registerUser(person(email))
    const refusal: unknown = await users.useCases.registerUser(person(email)).catch((error: unknown) => error)
    expect(refusal).toEqual(code('email_taken'))
    expect(refusal).not.toHaveProperty('cause')
  })
})

describe('updateMe', () => {
  test('changes the name, and the same name again is no event', async () => {
    const { id } = await users.person('customer')
    const update = () => users.useCases.updateMe({ userId: id, address: 'x', name: 'New Name' })
    expect((await update()).name).toBe('New Name')
    expect((await update()).name).toBe('New Name')
    expect((await users.useCases.readUser(id)).name).toBe('New Name')
    expect((await users.events(id)).map(([, type]) => type)).toEqual(['user.registered', 'user.changed'])
  })

  test('sets, changes and takes away the phone, and null is not the same as nothing', async () => {
    const { id } = await users.person('customer')
    const update = (fields: { name?: string; phone?: string | null }) =>
      users.useCases.updateMe({ userId: id, address: 'x', ...fields })
    expect((await update({ phone: '+31612345678' })).phone).toBe('+31612345678')
    expect((await update({ name: 'Anna' })).phone).toBe('+31612345678')
    expect(await users.useCases.readContact(id)).toMatchObject({ name: 'Anna', phone: '+31612345678' })
    expect((await update({ phone: '+31612345678' })).phone).toBe('+31612345678')
    expect((await update({ phone: null })).phone).toBeNull()
    expect(await users.useCases.readContact(id)).toMatchObject({ phone: null })
    expect((await users.events(id)).map(([, type, payload]) => [type, payload])).toEqual([
      ['user.registered', { userId: id }],
      ...Array.from({ length: 3 }, () => ['user.changed', { userId: id }]),
    ])
  })

  test('a new password ends every session, and only the new one logs in', async () => {
    const { id, email } = await users.person('customer')
    const sessions = await Promise.all([users.login(email), users.login(email)])
    await users.useCases.updateMe({
      userId: id,
      address: 'x',
      password: { current: PASSWORD, next: 'another password' },
    })
    for (const { refreshToken } of sessions) {
      await expect(users.useCases.refreshSession(refreshToken)).rejects.toThrow(code('invalid_refresh_token'))
    }
    await expect(users.login(email)).rejects.toThrow(code('invalid_credentials'))
    await expect(users.login(email, 'another password')).resolves.toBeDefined()
    expect((await users.events(id)).at(-1)).toEqual([
      2,
      'user.sessions_revoked',
      { userId: id, reason: 'password_changed', before: expect.any(String) },
    ])
  })

  test('a wrong current password changes nothing, not even the name', async () => {
    const { id, email } = await users.person('customer')
    const session = await users.login(email)
    const update = users.useCases.updateMe({
      userId: id,
      address: 'x',
      name: 'Thief',
      password: { current: 'wrong', next: 'another password' },
    })
    await expect(update).rejects.toThrow(code('invalid_credentials'))
    expect((await users.useCases.readUser(id)).name).toBe('Some Body')
    expect(await users.events(id)).toHaveLength(1)
    await expect(users.useCases.refreshSession(session.refreshToken)).resolves.toBeDefined()
  })

  test('guessing the current password is throttled like logins', async () => {
    const { id } = await users.person('customer')
    const guess = (current: string) =>
      users.useCases.updateMe({ userId: id, address: 'x', password: { current, next: 'another password' } })
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => guess('wrong')))
    expect(countOutcomes(results)).toEqual({ invalid_credentials: 10, too_many_logins: 2 })
    await expect(guess(PASSWORD)).rejects.toThrow(code('too_many_logins'))
    expect(await users.events(id)).toHaveLength(1)
  })

  test('of two changes at once from one password one wins', async () => {
    const { id } = await users.person('customer')
    const results = await Promise.allSettled(
      ['first password', 'second password'].map((next, index) =>
        users.useCases.updateMe({
          userId: id,
          address: `from-${index}`,
          password: { current: PASSWORD, next },
        }),
      ),
    )
    const outcomes = countOutcomes(results)
    expect(outcomes['ok']).toBe(1)
    expect((outcomes['conflict'] ?? 0) + (outcomes['invalid_credentials'] ?? 0)).toBe(1)
    expect(await users.events(id)).toHaveLength(2)
  })
})

describe('eraseUser', () => {
  test('leaves a row without personal data, ends sessions and keys, frees the address', async () => {
    const { id, email } = await users.person('customer', 'courier')
    const session = await users.login(email)
    const key = await users.useCases.createApiKey({ userId: id, name: 'k', scopes: ['orders:read'] })
    await users.useCases.updateMe({ userId: id, address: 'x', phone: '+31612345678' })
    await users.useCases.eraseUser(id)

    const [row] = await users.store.$queryRaw<Record<string, unknown>[]>`
      SELECT email, name, phone, password_hash, roles, erased_at IS NOT NULL AS erased FROM users WHERE id = ${id}::uuid`
    expect(row).toEqual({
      email: null,
      name: null,
      phone: null,
      password_hash: null,
      roles: [],
      erased: true,
    })
    expect(await users.store.apiKey.count({ where: { userId: id } })).toBe(0)
    await expect(users.useCases.refreshSession(session.refreshToken)).rejects.toThrow(
      code('invalid_refresh_token'),
    )
    await expect(users.useCases.verifyApiKey(key.secret)).rejects.toThrow(code('unauthenticated'))
    await expect(users.login(email)).rejects.toThrow(code('invalid_credentials'))
    await expect(users.useCases.readUser(id)).rejects.toThrow(code('not_found'))
    await expect(users.useCases.readContact(id)).rejects.toThrow(code('not_found'))
    await expect(users.useCases.eraseUser(id)).rejects.toThrow(code('not_found'))
    expect((await users.events(id)).map(([version, type]) => [version, type])).toEqual([
      [1, 'user.registered'],
      [2, 'user.changed'],
      [3, 'user.erased'],
      [4, 'user.sessions_revoked'],
    ])
    const again = await users.useCases.registerUser(person(email))
    expect(again.id).not.toBe(id)
  })
})

describe('listUsers', () => {
  test('pages through everybody once, the newest first, also those of one millisecond, without the erased', async () => {
    const made = await Promise.all(Array.from({ length: 7 }, () => users.person('customer')))
    await users.store.user.updateMany({
      where: { id: { in: made.map(({ id }) => id) } },
      data: { createdAt: new Date('2099-01-01T00:00:00.000Z') },
    })
    const gone = made[3]?.id ?? ''
    await users.useCases.eraseUser(gone)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof users.useCases.listUsers>> = await users.useCases.listUsers({
        limit: 2,
        ...(cursor === null ? {} : { cursor }),
      })
      seen.push(...page.data.map(({ id }) => id))
      cursor = page.nextCursor
    } while (cursor !== null)
    const expected = made.map(({ id }) => id).filter((id) => id !== gone)
    expect(seen.slice(0, 6)).toEqual(expected.toSorted().toReversed())
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toHaveLength(await users.store.user.count({ where: { erasedAt: null } }))
  })

  test('refuses a cursor it did not give out', async () => {
    await expect(users.useCases.listUsers({ cursor: 'nonsense' })).rejects.toThrow(code('invalid_cursor'))
  })
})

describe('an invitation', () => {
  const invite = () => createInviteUser(users)({ email: newEmail(), roles: ['admin'] })

  test('sets the first password, once, however many try', async () => {
    const { userId, token } = await invite()
    const accept = () => users.useCases.acceptInvitation({ token, password: 'first password' })
    const results = await Promise.allSettled(Array.from({ length: 5 }, accept))
    expect(countOutcomes(results)).toEqual({ ok: 1, invalid_invitation: 4 })
    const { email } = await users.useCases.readUser(userId)
    await expect(users.login(email, 'first password')).resolves.toBeDefined()
  })

  test('ends after 24 hours, and the account stays closed', async () => {
    const { userId, token } = await invite()
    await users.store.$executeRaw`
      UPDATE invitations SET expires_at = expires_at - interval '24 hours' WHERE user_id = ${userId}::uuid`
    const accepted = users.useCases.acceptInvitation({ token, password: 'first password' })
    await expect(accepted).rejects.toThrow(code('invalid_invitation'))
    const { email } = await users.useCases.readUser(userId)
    await expect(users.login(email, 'first password')).rejects.toThrow(code('invalid_credentials'))
  })
})
