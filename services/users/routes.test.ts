import { randomUUID } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { as, testServer } from '#tests/support/http.ts'
import { addUserRoutes } from './routes.ts'
import { openUsers, PASSWORD } from './testing.ts'

const users = await openUsers(await freshDatabase('users'))
afterAll(() => users.store.$disconnect())
const app = await testServer((server, verifyCaller) =>
  addUserRoutes(server, verifyCaller, { ...users, database: users.store }),
)

let me: string
let admin: string
beforeEach(async () => {
  me = (await users.person('customer')).id
  admin = (await users.person('admin')).id
})

type Method = 'PATCH' | 'PUT' | 'DELETE'

async function send(who: { authorization: string }, method: Method, path: string, body?: object, key = 'k') {
  const answer = await app.inject({
    method,
    url: `/api/v1/${path}`,
    headers: { ...who, 'idempotency-key': key },
    ...(body === undefined ? {} : { payload: body }),
  })
  const replayed = answer.headers['idempotency-replayed']
  return { status: answer.statusCode, replayed, body: answer.body === '' ? null : answer.json() }
}

const eventsAfterRegistration = async (id: string) =>
  (await users.events(id)).slice(1).map(([, type]) => type)
const keysOf = (caller: string) => users.store.idempotencyKey.count({ where: { caller } })

describe('an Idempotency-Key', () => {
  test('changes me once, and a repeat shows what I was then', async () => {
    const rename = (name: string) => send(as('customer', me), 'PATCH', 'users/me', { name })
    const first = await rename('First')
    expect(first).toMatchObject({ status: 200, replayed: undefined, body: { name: 'First' } })
    await send(as('customer', me), 'PATCH', 'users/me', { name: 'Second' }, 'another')
    expect(await rename('First')).toEqual({ ...first, replayed: 'true' })
    expect(await rename('Third')).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
    expect((await users.useCases.readUser(me)).name).toBe('Second')
    expect(await eventsAfterRegistration(me)).toEqual(['user.changed', 'user.changed'])
  })

  test('is refused with a password, and nothing of it is kept', async () => {
    const password = { current: PASSWORD, next: 'another password' }
    const answer = await send(as('customer', me), 'PATCH', 'users/me', { name: 'New', password })
    expect(answer).toMatchObject({ status: 400, body: { code: 'idempotency_key_refused' } })
    expect([await keysOf(me), await eventsAfterRegistration(me)]).toEqual([0, []])
  })

  test('sets roles once, also when they are others by now', async () => {
    const setRoles = (roles: string[], key?: string) =>
      send(as('admin', admin), 'PUT', `users/${me}/roles`, { roles }, key)
    const first = await setRoles(['courier'])
    expect(first).toMatchObject({ status: 200, replayed: undefined, body: { roles: ['courier'] } })
    await setRoles(['operator'], 'another')
    expect(await setRoles(['courier'])).toEqual({ ...first, replayed: 'true' })
    expect(await setRoles(['admin'])).toMatchObject({ status: 422 })
    expect((await users.useCases.readUser(me)).roles).toEqual(['operator'])
  })

  test('is not used up by a refusal', async () => {
    const unknown = () =>
      send(as('admin', admin), 'PUT', `users/${randomUUID()}/roles`, { roles: ['courier'] })
    expect((await unknown()).status).toBe(404)
    expect(await keysOf(admin)).toBe(0)
  })

  test('erases me once; of me and of what others were answered about me nothing is left', async () => {
    await send(as('customer', me), 'PATCH', 'users/me', { name: 'First' })
    await send(as('admin', admin), 'PUT', `users/${me}/roles`, { roles: ['courier'] })
    await send(as('admin', admin), 'PUT', `users/${admin}/roles`, { roles: ['admin', 'courier'] }, 'own')
    const erase = () => send(as('customer', me), 'DELETE', 'users/me', undefined, 'erase')
    expect(await erase()).toEqual({ status: 204, replayed: undefined, body: null })
    expect(await erase()).toEqual({ status: 204, replayed: 'true', body: null })
    const kept = await users.store.idempotencyKey.findMany({ where: { caller: { in: [me, admin] } } })
    expect(kept.map(({ key }) => key).toSorted()).toEqual(['erase', 'own'])
  })

  test('is refused where API keys are revoked', async () => {
    const { id } = await users.useCases.createApiKey({ userId: me, name: 'k', scopes: ['orders:read'] })
    const answer = await send(as('customer', me), 'DELETE', `api-keys/${id}`)
    expect(answer).toMatchObject({ status: 400, body: { code: 'idempotency_key_refused' } })
    expect(await users.store.apiKey.count({ where: { userId: me } })).toBe(1)
  })
})
