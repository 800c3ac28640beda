import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Role } from '#contracts/schemas.ts'
import { startService, type RunningService } from '#platform/service.ts'
import {
  createServiceTokenSigner,
  generateSigningKey,
  type Caller,
  type ServiceTokenSigner,
} from '#platform/service-token.ts'
import { freshDatabase } from '#tests/support/database.ts'
import { usersService } from './main.ts'
import { SEED_PASSWORD, SEED_USERS, seedUsers } from './seed.ts'
import { openStore } from './store.ts'

let gateway: ServiceTokenSigner
let keys: Server
let service: RunningService
let databaseUrl: string

beforeAll(async () => {
  databaseUrl = await freshDatabase('users')
  gateway = await createServiceTokenSigner('gateway', await generateSigningKey())
  keys = createServer((_request, response) => response.end(JSON.stringify(gateway.publicKeys()))).listen(
    0,
    '127.0.0.1',
  )
  await new Promise((resolve) => keys.once('listening', resolve))
  const { natsUrl, nats, temporalAddress } = inject('infrastructure')
  service = await startService(usersService, {
    DATABASE_URL: databaseUrl,
    INTERNAL_ISSUERS: `gateway=http://127.0.0.1:${(keys.address() as AddressInfo).port}/`,
    NATS_URL: natsUrl,
    NATS_USER: nats.user,
    NATS_PASSWORD: nats.password,
    TEMPORAL_ADDRESS: temporalAddress,
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'error',
  })
})
afterAll(async () => {
  await service.stop()
  keys.close()
})

const anonymous: Caller = { kind: 'anonymous', subject: 'anonymous', roles: [], scopes: ['*'] }
const as = (subject: string, ...roles: Role[]): Caller => ({ kind: 'user', subject, roles, scopes: ['*'] })
const notifications: Caller = { kind: 'service', subject: 'notifications', roles: [], scopes: [] }

async function call(
  caller: Caller | undefined,
  method: string,
  path: string,
  body?: object,
  headers: object = {},
) {
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: {
      ...(caller === undefined ? {} : { authorization: `Bearer ${await gateway.sign('users', caller)}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}

describe('the users service', () => {
  const email = `${randomUUID()}@example.test`
  const credentials = { email, password: 'a long password' }

  test('serves an account from registration to erasure', async () => {
    const registered = await call(anonymous, 'POST', '/api/v1/users', { ...credentials, name: 'Ann' })
    expect([registered.status, registered.body.email]).toEqual([201, email])
    const me = as(registered.body.id, 'customer')

    const again = await call(anonymous, 'POST', '/api/v1/users', { ...credentials, name: 'Ann' })
    expect([again.status, again.body.code]).toEqual([409, 'email_taken'])

    const login = await call(anonymous, 'POST', '/api/v1/auth/login', credentials)
    expect(login.status).toBe(200)
    const refreshed = await call(anonymous, 'POST', '/api/v1/auth/refresh', {
      refreshToken: login.body.refreshToken,
    })
    expect(refreshed.status).toBe(200)
    const logout = await call(anonymous, 'POST', '/api/v1/auth/logout', {
      refreshToken: refreshed.body.refreshToken,
    })
    expect([logout.status, logout.body]).toEqual([204, null])

    expect((await call(me, 'GET', '/api/v1/users/me')).body.name).toBe('Ann')
    expect((await call(me, 'PATCH', '/api/v1/users/me', { name: 'Anna' })).body.name).toBe('Anna')
    const texted = await call(me, 'PATCH', '/api/v1/users/me', { phone: '+31612345678' })
    expect([texted.status, texted.body.phone]).toEqual([200, '+31612345678'])
    for (const phone of [
      '0612345678',
      '+0612345678',
      '+31 6 12345678',
      '+311',
      `+${'1'.repeat(16)}`,
      '',
      31612345678,
    ]) {
      const refused = await call(me, 'PATCH', '/api/v1/users/me', { phone })
      expect([phone, refused.status, refused.body.code]).toEqual([phone, 400, 'validation_failed'])
    }
    const key = await call(me, 'POST', '/api/v1/api-keys', { name: 'k', scopes: ['orders:read'] })
    expect(key.status).toBe(201)
    const listed = await call(me, 'GET', '/api/v1/api-keys?limit=5')
    expect(listed.body).toMatchObject({ data: [{ id: key.body.id }], nextCursor: null })
    expect(JSON.stringify(listed.body)).not.toContain('msk_')
    const verified = await call(
      { ...notifications, subject: 'gateway' },
      'POST',
      '/internal/api-keys/verify',
      {
        secret: key.body.secret,
      },
    )
    expect(verified.body).toMatchObject({ userId: me.subject, roles: ['customer'] })
    expect((await call(me, 'DELETE', `/api/v1/api-keys/${key.body.id}`)).status).toBe(204)

    const contact = await call(notifications, 'GET', `/internal/users/${me.subject}/contact`)
    expect(contact.body).toEqual({ userId: me.subject, email, name: 'Anna', phone: '+31612345678' })
    expect((await call(me, 'DELETE', '/api/v1/users/me')).status).toBe(204)
    expect((await call(notifications, 'GET', `/internal/users/${me.subject}/contact`)).status).toBe(404)
  })

  test.each([
    ['nobody', undefined, 'GET', '/api/v1/users/me', 401],
    ['a stranger', anonymous, 'GET', '/api/v1/users/me', 401],
    ['a customer', as(randomUUID(), 'customer'), 'GET', '/api/v1/users', 403],
    ['an operator', as(randomUUID(), 'operator'), 'PUT', `/api/v1/users/${randomUUID()}/roles`, 403],
    ['an operator', as(randomUUID(), 'operator'), 'GET', `/api/v1/users/${randomUUID()}`, 404],
    ['an admin', as(randomUUID(), 'admin'), 'GET', `/internal/users/${randomUUID()}/contact`, 403],
    ['an admin', as(randomUUID(), 'admin'), 'POST', '/internal/api-keys/verify', 403],
    [
      'an API key',
      { ...as(randomUUID(), 'customer'), scopes: ['orders:read'] },
      'GET',
      '/api/v1/users/me',
      403,
    ],
  ] as const)('%s who calls %s %s %s gets %i', async (_, caller, method, path, status) => {
    expect((await call(caller && { ...caller, scopes: [...caller.scopes] }, method, path)).status).toBe(
      status,
    )
  })

  test('names unknown and wrong fields, and refuses an Idempotency-Key where secrets are answered', async () => {
    const bad = await call(anonymous, 'POST', '/api/v1/users', {
      email: 'no',
      password: 'short',
      name: 'A',
      roles: ['admin'],
    })
    expect(bad.status).toBe(400)
    expect(bad.body.errors.map(({ path }: { path: string }) => path).toSorted()).toEqual([
      'email',
      'password',
      'roles',
    ])
    const keyed = await call(anonymous, 'POST', '/api/v1/auth/login', credentials, { 'idempotency-key': 'k' })
    expect(keyed.body.code).toBe('idempotency_key_refused')
    expect((await call(as(randomUUID(), 'admin'), 'GET', '/api/v1/users?cursor=x')).body.code).toBe(
      'invalid_cursor',
    )
  })

  test('throttles logins by the address that the gateway names', async () => {
    const attempt = (address: string) =>
      call(
        anonymous,
        'POST',
        '/api/v1/auth/login',
        { email: 'x@example.test', password: 'wrong' },
        { 'x-client-ip': address },
      )
    for (let failure = 0; failure < 10; failure++) expect((await attempt('192.0.2.1')).status).toBe(401)
    const refused = await attempt('192.0.2.1')
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_logins'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(800)
    expect((await attempt('192.0.2.2')).status).toBe(401)
  })

  test('gives its public keys to anyone', async () => {
    const { status, body, headers } = await call(undefined, 'GET', '/.well-known/jwks.json')
    expect([status, body.keys.length, Object.hasOwn(body.keys[0], 'd')]).toEqual([200, 1, false])
    expect(headers.get('cache-control')).toBe('public, max-age=300')
  })

  test('seeds four accounts once, and publishes their registration', async () => {
    const store = openStore({ DATABASE_URL: databaseUrl, DATABASE_POOL: 2 })
    const made = await Promise.all([seedUsers(store), seedUsers(store), seedUsers(store)])
    expect(made.flat().toSorted()).toEqual(SEED_USERS.map((user) => user.email).toSorted())
    expect(await seedUsers(store)).toEqual([])
    await store.$disconnect()
    for (const user of SEED_USERS) {
      const login = await call(anonymous, 'POST', '/api/v1/auth/login', {
        email: user.email,
        password: SEED_PASSWORD,
      })
      expect(login.status).toBe(200)
    }
    const { natsUrl, nats } = inject('infrastructure')
    const connection = await connect({ servers: natsUrl, user: nats.user, pass: nats.password })
    const manager = await jetstreamManager(connection)
    await Promise.all(
      SEED_USERS.map(({ id }) =>
        expect
          .poll(() =>
            manager.streams.getMessage('EVENTS', { last_by_subj: `evt.users.user.registered.${id}` }),
          )
          .not.toBeNull(),
      ),
    )
    await connection.close()
  })

  test('is healthy with its database, broker, Temporal, worker and outbox', async () => {
    await expect
      .poll(async () => (await call(undefined, 'GET', '/health')).body.status, { timeout: 10_000 })
      .toBe('healthy')
    const { body } = await call(undefined, 'GET', '/health')
    expect(Object.keys(body.checks).toSorted()).toEqual([
      'broker',
      'database',
      'outbox',
      'temporal',
      'worker',
    ])
  })
})
