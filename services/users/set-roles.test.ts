import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { createDisableUser } from './disable-user.ts'
import { countOutcomes, openUsers } from './testing.ts'

let users: Awaited<ReturnType<typeof openUsers>>
beforeAll(async () => {
  users = await openUsers(await freshDatabase('users'))
})
afterAll(() => users.store.$disconnect())
beforeEach(async () => {
  await users.store.$executeRaw`UPDATE users SET roles = '{}' WHERE 'admin' = ANY (roles)`
})

const lastAdmin = expect.objectContaining({ code: 'last_admin', status: 409 })
const admins = async () => users.store.user.count({ where: { roles: { has: 'admin' }, disabledAt: null } })

describe('setRoles', () => {
  test('sets them, tells them, and voids the tokens that carry the old ones', async () => {
    const { id } = await users.person('customer')
    const user = await users.useCases.setRoles({ userId: id, roles: () => ['operator', 'courier'] })
    expect(user.roles).toEqual(['courier', 'operator'])
    expect((await users.events(id)).slice(1)).toEqual([
      [2, 'user.roles_changed', { userId: id, roles: ['courier', 'operator'] }],
      [3, 'user.sessions_revoked', { userId: id, reason: 'roles_changed', before: expect.any(String) }],
    ])
  })

  test('the same roles in another order change nothing', async () => {
    const { id } = await users.person('operator', 'courier')
    await users.useCases.setRoles({ userId: id, roles: () => ['courier', 'operator'] })
    expect(await users.events(id)).toHaveLength(1)
  })

  test('an unknown account is not_found', async () => {
    const missing = users.useCases.setRoles({
      userId: '5eed0000-0000-4000-8000-00000000dead',
      roles: () => [],
    })
    await expect(missing).rejects.toThrow(expect.objectContaining({ code: 'not_found' }))
  })

  test('events of twenty changes at once have versions without gaps', async () => {
    const { id } = await users.person('customer')
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        users.useCases.setRoles({ userId: id, roles: () => (index % 2 === 0 ? ['customer'] : ['courier']) }),
      ),
    )
    const versions = (await users.events(id)).map(([version]) => version)
    expect(versions).toEqual(versions.map((_, index) => index + 1))
  })
})

describe('the last admin', () => {
  test('keeps the role: neither taken, nor disabled, nor erased', async () => {
    const { id } = await users.person('admin')
    await expect(users.useCases.setRoles({ userId: id, roles: () => ['operator'] })).rejects.toThrow(
      lastAdmin,
    )
    await expect(createDisableUser(users)(id)).rejects.toThrow(lastAdmin)
    await expect(users.useCases.eraseUser(id)).rejects.toThrow(lastAdmin)
    expect(await admins()).toBe(1)
    expect(await users.events(id)).toHaveLength(1)
  })

  test('a disabled admin does not count', async () => {
    const { id } = await users.person('admin')
    const { id: other } = await users.person('admin')
    await createDisableUser(users)(other)
    await expect(users.useCases.setRoles({ userId: id, roles: () => [] })).rejects.toThrow(lastAdmin)
  })

  test('of six admins who are all removed at once, in three ways, one is left', async () => {
    for (let round = 0; round < 5; round++) {
      await users.store.$executeRaw`UPDATE users SET roles = '{}' WHERE 'admin' = ANY (roles)`
      const made = await Promise.all(Array.from({ length: 6 }, () => users.person('admin')))
      const remove = async (id: string, way: number): Promise<void> => {
        if (way === 0) await users.useCases.setRoles({ userId: id, roles: () => [] })
        else if (way === 1) await createDisableUser(users)(id)
        else await users.useCases.eraseUser(id)
      }
      const results = await Promise.allSettled(made.map(({ id }, index) => remove(id, index % 3)))
      expect(countOutcomes(results)).toEqual({ ok: 5, last_admin: 1 })
      expect(await admins()).toBe(1)
    }
  })
})
