import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { createDisableUser } from './disable-user.ts'
import { countOutcomes, openUsers } from './testing.ts'

let users: Awaited<ReturnType<typeof openUsers>>
beforeAll(async () => {
  users = await openUsers(await freshDatabase('users'))
})
afterAll(() => users.store.$disconnect())

const code = (value: string) => expect.objectContaining({ code: value })
const createKey = (userId: string) =>
  users.useCases.createApiKey({ userId, name: 'shop', scopes: ['orders:read', 'orders:write'] })

describe('createApiKey', () => {
  test('gives 256 random bits after msk_, and keeps their hash', async () => {
    const { id } = await users.person('customer')
    const key = await createKey(id)
    expect(key.secret).toMatch(/^msk_[A-Za-z0-9_-]{43}$/)
    const row = await users.store.apiKey.findUniqueOrThrow({ where: { id: key.id } })
    expect(Buffer.from(row.secretHash)).toEqual(createHash('sha256').update(key.secret).digest())
    expect(Date.parse(key.expiresAt) - Date.parse(key.createdAt)).toBe(90 * 86_400_000)
    expect(key.lastUsedAt).toBeNull()
  })

  test.each(['products:write', 'stock:write'] as const)('%s is for operators and admins', async (scope) => {
    const { id } = await users.person('customer', 'courier')
    const { id: operator } = await users.person('operator')
    const create = (userId: string) => users.useCases.createApiKey({ userId, name: 'k', scopes: [scope] })
    await expect(create(id)).rejects.toThrow(code('forbidden'))
    expect(await users.store.apiKey.count({ where: { userId: id } })).toBe(0)
    await expect(create(operator)).resolves.toMatchObject({ scopes: [scope] })
  })
})

describe('an account', () => {
  test('has twenty working keys at the most, however many are made at once; revoked and expired ones make room', async () => {
    const { id } = await users.person('customer')
    const results = await Promise.allSettled(Array.from({ length: 25 }, () => createKey(id)))
    expect(countOutcomes(results)).toEqual({ ok: 20, too_many_api_keys: 5 })
    expect(await users.store.apiKey.count({ where: { userId: id } })).toBe(20)
    const { data } = await users.useCases.listApiKeys({ userId: id })
    await users.useCases.revokeApiKey({ userId: id, keyId: data[0]?.id ?? '' })
    await users.store.apiKey.update({
      where: { id: data[1]?.id ?? '' },
      data: { expiresAt: new Date(Date.now() - 1) },
    })
    await createKey(id)
    await createKey(id)
    await expect(createKey(id)).rejects.toThrow(code('too_many_api_keys'))
    const { id: other } = await users.person('customer')
    await expect(createKey(other)).resolves.toBeDefined()
  })
})

describe('verifyApiKey', () => {
  test('tells the owner with the roles of this moment', async () => {
    const { id } = await users.person('customer')
    const key = await createKey(id)
    await users.useCases.setRoles({ userId: id, roles: () => ['courier'] })
    expect(await users.useCases.verifyApiKey(key.secret)).toEqual({
      userId: id,
      keyId: key.id,
      roles: ['courier'],
      scopes: ['orders:read', 'orders:write'],
      expiresAt: key.expiresAt,
    })
  })

  test('refuses what is unknown, revoked, expired, or of a disabled owner', async () => {
    const { id } = await users.person('customer')
    const [revoked, expired, disabled] = [await createKey(id), await createKey(id), await createKey(id)]
    await users.useCases.revokeApiKey({ userId: id, keyId: revoked.id })
    await users.store.apiKey.update({
      where: { id: expired.id },
      data: { expiresAt: new Date(Date.now() - 1) },
    })
    await expect(users.useCases.verifyApiKey(disabled.secret)).resolves.toBeDefined()
    await createDisableUser(users)(id)
    for (const secret of ['msk_unknown', '', revoked.secret, expired.secret, disabled.secret]) {
      await expect(users.useCases.verifyApiKey(secret)).rejects.toThrow(code('unauthenticated'))
    }
  })

  test('no more of a revoked key, which is announced once', async () => {
    const { id } = await users.person('customer')
    const { id: keyId, secret } = await createKey(id)
    await users.useCases.revokeApiKey({ userId: id, keyId })
    await expect(users.useCases.revokeApiKey({ userId: id, keyId })).rejects.toThrow(code('not_found'))
    await expect(users.useCases.verifyApiKey(secret)).rejects.toThrow(code('unauthenticated'))
    expect(await users.events(id)).toEqual([
      [1, 'user.registered', { userId: id }],
      [2, 'user.api_key_revoked', { userId: id, keyId }],
    ])
  })

  test('notes the use, at most once a minute', async () => {
    const { id } = await users.person('customer')
    const { id: keyId, secret } = await createKey(id)
    const lastUse = async () =>
      (await users.store.apiKey.findUniqueOrThrow({ where: { id: keyId } })).lastUsedAt
    await users.useCases.verifyApiKey(secret)
    const first = await lastUse()
    await users.useCases.verifyApiKey(secret)
    expect(await lastUse()).toEqual(first)
    await users.store.$executeRaw`
      UPDATE api_keys SET last_used_at = now() - interval '61 seconds' WHERE id = ${keyId}::uuid`
    await users.useCases.verifyApiKey(secret)
    expect((await lastUse())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? Infinity)
  })
})

describe("a person's keys", () => {
  test('are listed page by page without their secrets, revoked ones are gone', async () => {
    const { id } = await users.person('customer')
    const keys = [await createKey(id), await createKey(id), await createKey(id), await createKey(id)]
    await users.useCases.revokeApiKey({ userId: id, keyId: keys[1]?.id ?? '' })
    const first = await users.useCases.listApiKeys({ userId: id, limit: 2 })
    const second = await users.useCases.listApiKeys({ userId: id, limit: 2, cursor: first.nextCursor ?? '' })
    expect(second.nextCursor).toBeNull()
    const listed = [...first.data, ...second.data]
    expect(new Set(listed.map((key) => key.id))).toEqual(new Set([keys[0]?.id, keys[2]?.id, keys[3]?.id]))
    expect(Object.keys(listed[0] ?? {}).toSorted()).toEqual(
      ['id', 'name', 'scopes', 'createdAt', 'expiresAt', 'lastUsedAt'].toSorted(),
    )
  })

  test("are not another's to see or revoke", async () => {
    const { id } = await users.person('customer')
    const { id: stranger } = await users.person('customer', 'admin')
    const key = await createKey(id)
    expect(await users.useCases.listApiKeys({ userId: stranger })).toEqual({ data: [], nextCursor: null })
    await expect(users.useCases.revokeApiKey({ userId: stranger, keyId: key.id })).rejects.toThrow(
      code('not_found'),
    )
    await expect(users.useCases.verifyApiKey(key.secret)).resolves.toBeDefined()
  })
})
