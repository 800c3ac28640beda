import { createHmac, createPublicKey, randomUUID } from 'node:crypto'
import { describe, expect, inject, test } from 'vitest'
import { outgoing, testBus } from '#tests/support/broker.ts'
import { testGateway, UNLIMITED } from '#tests/support/gateway.ts'
import {
  createTokenIssuer,
  natsOf,
  resetServices,
  startFakeService,
  startTestGateway,
} from './testing/harness.ts'

const nats = natsOf(inject('infrastructure'))
const gateway = await testGateway(UNLIMITED)
const bus = testBus()

const seen = () => Object.values(gateway.services).flatMap(({ requests }) => requests)

describe('who may call', () => {
  test('a stranger reads products, is asked to sign in elsewhere, and reaches no service there', async () => {
    expect(await gateway.call('/api/v1/products')).toMatchObject({ status: 200 })
    resetServices(gateway)
    const refused = await gateway.call('/api/v1/users/me')
    expect(refused).toMatchObject({ status: 401, code: 'unauthenticated' })
    expect(refused.headers.get('www-authenticate')).toBe('Bearer')
    expect(seen()).toEqual([])
  })

  test('a role that does not suffice is 403 and reaches no service', async () => {
    const customer = await gateway.bearer(['customer'])
    expect(await gateway.call('/api/v1/users', customer)).toMatchObject({ status: 403, code: 'forbidden' })
    expect(await gateway.call('/api/v1/users', await gateway.bearer([]))).toMatchObject({ status: 403 })
    expect(seen()).toEqual([])
    expect(await gateway.call('/api/v1/users', await gateway.bearer(['operator']))).toMatchObject({
      status: 200,
    })
  })
})

describe('access tokens', () => {
  const user = randomUUID()
  const now = () => Math.floor(Date.now() / 1_000)

  /** Puts a header and a signature of one's own around the claims of a good token. */
  async function forge(header: object, signature: (input: string) => string): Promise<string> {
    const [, claims] = (await gateway.issuer.sign(user, ['admin'])).split('.')
    const input = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}`
    return `${input}.${signature(input)}`
  }

  test('a good one passes', async () => {
    expect(await gateway.call('/api/v1/users/me', await gateway.bearer(['customer'], user))).toMatchObject({
      status: 200,
    })
  })

  test.each([
    ['expired', { issuedAt: now() - 650 }],
    ['of the future', { issuedAt: now() + 60 }],
    ['living longer than ten minutes', { lifetimeSeconds: 601 }],
    ['for another audience', { audience: 'orders' }],
    ['of another issuer', { issuer: 'gateway' }],
    ['of another type', { header: { typ: 'svc+jwt' } }],
    ['without a type', { header: { typ: undefined } }],
    ['with a key nobody knows', { header: { kid: 'unknown' } }],
    ['with a role that does not exist', { claims: { roles: ['god'] } }],
    ['without roles', { claims: { roles: undefined } }],
    ['without a session', { claims: { sid: undefined } }],
  ])('one %s is 401', async (_what, options) => {
    const token = await gateway.issuer.sign(user, ['customer'], options)
    expect(await gateway.call('/api/v1/users/me', `Bearer ${token}`)).toMatchObject({
      status: 401,
      code: 'unauthenticated',
    })
    expect(seen()).toEqual([])
  })

  test('one signed by a stranger with the name of our key is 401', async () => {
    const stranger = await createTokenIssuer()
    const token = await stranger.sign(user, ['admin'], { header: { kid: gateway.issuer.publicKey.kid } })
    expect(await gateway.call('/api/v1/users/me', `Bearer ${token}`)).toMatchObject({ status: 401 })
  })

  test('the algorithms none and HS256 with the public key are 401', async () => {
    const { kid } = gateway.issuer.publicKey
    const none = await forge({ alg: 'none', typ: 'at+jwt', kid }, () => '')
    expect(await gateway.call('/api/v1/users/me', `Bearer ${none}`)).toMatchObject({ status: 401 })
    const publicKey = createPublicKey({ key: gateway.issuer.publicKey, format: 'jwk' })
    const spki = publicKey.export({ type: 'spki', format: 'pem' })
    for (const secret of [spki, Buffer.from(gateway.issuer.publicKey.x!, 'base64url')]) {
      const confused = await forge({ alg: 'HS256', typ: 'at+jwt', kid }, (input) =>
        createHmac('sha256', secret).update(input).digest('base64url'),
      )
      expect(await gateway.call('/api/v1/users/me', `Bearer ${confused}`)).toMatchObject({ status: 401 })
    }
    expect(seen()).toEqual([])
  })

  test.each(['Basic YTpi', 'Bearer', 'Bearer a b', 'nonsense', 'Bearer not.a.token', 'Bearer msk_short'])(
    'a credential that is none is 401, also where none is needed: %s',
    async (authorization) => {
      expect(await gateway.call('/api/v1/products', authorization)).toMatchObject({ status: 401 })
      expect(seen()).toEqual([])
    },
  )

  test('while no key could ever be fetched a token is 503, a stranger still passes, and it heals by itself', async () => {
    const away = await startFakeService()
    const port = Number(new URL(away.url).port)
    await away.stop()
    const lonely = await startTestGateway({
      nats,
      environment: { USERS_JWKS_URL: `${away.url}/keys`, ...UNLIMITED },
    })
    try {
      const headers = { authorization: `Bearer ${await lonely.issuer.sign(user, ['customer'])}` }
      const refused = await fetch(`${lonely.url}/api/v1/users/me`, { headers })
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('2')
      expect(await refused.json()).toMatchObject({ code: 'signing_keys_unavailable' })
      expect((await fetch(`${lonely.url}/api/v1/products`)).status).toBe(200)

      const back = await startFakeService(port, [lonely.issuer.publicKey])
      expect((await fetch(`${lonely.url}/api/v1/users/me`, { headers })).status).toBe(200)
      // what is known stays good while the users service is away
      await back.stop()
      expect((await fetch(`${lonely.url}/api/v1/users/me`, { headers })).status).toBe(200)
    } finally {
      await lonely.stop()
    }
  })
})

describe('API keys', () => {
  const secretOf = () => `msk_${randomUUID().replaceAll('-', '')}`

  /** The users service knows one key. */
  function publishKey(secret: string, owner: { roles: string[]; scopes: string[] }) {
    const userId = randomUUID()
    gateway.services.users.answer = (request, reply) => {
      if (request.url !== '/internal/api-keys/verify') return { path: request.url }
      const asked: unknown = JSON.parse(String(request.body))
      if ((asked as { secret: string }).secret !== secret) {
        return reply.code(401).type('application/problem+json').send('{"code":"unauthenticated"}')
      }
      return { userId, keyId: randomUUID(), expiresAt: new Date(Date.now() + 60_000).toISOString(), ...owner }
    }
    return userId
  }
  const exchanges = () =>
    gateway.services.users.requests.filter(({ url }) => url === '/internal/api-keys/verify').length

  test('a key may do what its scopes and its owner may, and is exchanged once', async () => {
    const secret = secretOf()
    publishKey(secret, { roles: ['customer'], scopes: ['orders:read', 'products:write'] })
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => gateway.call('/api/v1/orders', `Bearer ${secret}`)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(exchanges()).toBe(1)
    expect(await gateway.call('/api/v1/orders', `Bearer ${secret}`, 'POST')).toMatchObject({ status: 403 })
    // the scope without the role is not enough, and neither is the role without a scope
    expect(await gateway.call('/api/v1/products/TEE', `Bearer ${secret}`, 'DELETE')).toMatchObject({
      status: 403,
    })
    expect(await gateway.call('/api/v1/users/me', `Bearer ${secret}`)).toMatchObject({ status: 403 })
    expect(exchanges()).toBe(1)
    expect(gateway.services.orders.requests).toHaveLength(10)
  })

  test('a key nobody knows is 401 and asked for once in five seconds', async () => {
    const secret = secretOf()
    publishKey(secretOf(), { roles: ['customer'], scopes: [] })
    expect(await gateway.call('/api/v1/products', `Bearer ${secret}`)).toMatchObject({ status: 401 })
    expect(await gateway.call('/api/v1/products', `Bearer ${secret}`)).toMatchObject({ status: 401 })
    expect(exchanges()).toBe(1)
  })

  test('a change of its owner makes the gateway ask again', async () => {
    const secret = secretOf()
    const userId = publishKey(secret, { roles: ['operator'], scopes: ['products:read'] })
    expect(await gateway.call('/api/v1/stock/TEE', `Bearer ${secret}`)).toMatchObject({ status: 200 })
    publishKey(secret, { roles: ['customer'], scopes: ['products:read'] })
    expect(await gateway.call('/api/v1/stock/TEE', `Bearer ${secret}`)).toMatchObject({ status: 200 })
    const roles = ['customer']
    await bus.publish(outgoing(userId, 1, { eventType: 'user.roles_changed', payload: { userId, roles } }))
    await expect
      .poll(async () => (await gateway.call('/api/v1/stock/TEE', `Bearer ${secret}`)).status, {
        timeout: 40_000,
      })
      .toBe(403)
  })

  test('while the users service cannot tell, a key is 503', async () => {
    gateway.services.users.answer = (_request, reply) => reply.code(500).send({})
    const refused = await gateway.call('/api/v1/orders', `Bearer ${secretOf()}`)
    expect(refused).toMatchObject({ status: 503, code: 'unavailable' })
    expect(gateway.services.orders.requests).toEqual([])
  })
})
