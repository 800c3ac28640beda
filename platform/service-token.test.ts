import { createServer, type Server } from 'node:http'
import { inspect } from 'node:util'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, importJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from './config.ts'
import {
  createCallerVerifier,
  createServiceTokenSigner,
  generateSigningKey,
  parseIssuers,
  type Caller,
  type CallerVerifier,
  type ServiceTokenSigner,
} from './service-token.ts'

const key = await generateSigningKey()
const customer: Caller = { kind: 'user', subject: 'user-1', roles: ['customer'], scopes: ['*'] }
const servers: Server[] = []

/** Serves what is given as a key set; counts how often it is asked. */
async function keyServer(answer: () => { status: number; body: string }) {
  let asked = 0
  const server = createServer((_request, response) => {
    asked += 1
    const { status, body } = answer()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: new URL(`http://127.0.0.1:${port}/jwks`), asked: () => asked }
}
afterAll(() => {
  for (const server of servers) server.close()
})

let gateway: ServiceTokenSigner
let notifications: ServiceTokenSigner
let verify: CallerVerifier
let asked: () => number

beforeAll(async () => {
  gateway = await createServiceTokenSigner('gateway', key)
  notifications = await createServiceTokenSigner('notifications', key)
  const keys = await keyServer(() => ({ status: 200, body: JSON.stringify(gateway.publicKeys()) }))
  asked = keys.asked
  verify = createCallerVerifier(
    'orders',
    new Map([
      ['gateway', keys.url],
      ['notifications', keys.url],
    ]),
  )
})

const bearer = (token: string) => `Bearer ${token}`
const refused = { code: 'unauthenticated', status: 401 }

/** A token that is right but for the changes. */
async function forge({
  header = {},
  claims = {},
  secret = key,
  lifetime = 30,
  issuedAt = 0,
}: { header?: object; claims?: JWTPayload; secret?: string; lifetime?: number; issuedAt?: number } = {}) {
  const jwk = JSON.parse(secret)
  const now = Math.floor(Date.now() / 1_000) + issuedAt
  return new SignJWT({
    kind: 'user',
    roles: ['customer'],
    scopes: ['*'],
    iss: 'gateway',
    aud: 'orders',
    sub: 'user-1',
    ...claims,
  })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'svc+jwt', kid: jwk.kid, ...header })
    .setIssuedAt(now)
    .setExpirationTime(now + lifetime)
    .sign(await importJWK(jwk, 'EdDSA'))
}

describe('a service token', () => {
  it('says who calls, and its keys are fetched once', async () => {
    const callers = await Promise.all(
      Array.from({ length: 20 }, async () => verify(bearer(await gateway.sign('orders', customer)))),
    )
    expect(callers).toEqual(Array.from({ length: 20 }, () => customer))
    expect(await verify(bearer(await forge()))).toEqual(customer)
    expect(asked()).toBeLessThanOrEqual(2) // one for each issuer
  })

  it('is refused when there is none or it is none', async () => {
    for (const header of [
      undefined,
      '',
      'Basic eDp5',
      'Bearer',
      'Bearer x',
      'Bearer a.b.c',
      'Bearer ..',
      'bearer x',
    ]) {
      await expect(verify(header)).rejects.toMatchObject(refused)
    }
  })

  it('is refused for another audience', async () => {
    await expect(verify(bearer(await gateway.sign('payments', customer)))).rejects.toMatchObject(refused)
  })

  it('is refused when it has expired, lives too long or comes from the future', async () => {
    await expect(verify(bearer(await forge({ issuedAt: -60 })))).rejects.toMatchObject(refused)
    await expect(verify(bearer(await forge({ issuedAt: -60, lifetime: 3_600 })))).rejects.toMatchObject(
      refused,
    )
    await expect(verify(bearer(await forge({ issuedAt: 60 })))).rejects.toMatchObject(refused)
  })

  it('is refused with another type, algorithm or key, and without a signature', async () => {
    await expect(verify(bearer(await forge({ header: { typ: 'at+jwt' } })))).rejects.toMatchObject(refused)
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const stranger = JSON.stringify({ ...(await exportJWK(privateKey)), kid: 'other' })
    const other = await new SignJWT({ iss: 'gateway', aud: 'orders', sub: 'x' })
      .setProtectedHeader({ alg: 'ES256', typ: 'svc+jwt', kid: JSON.parse(stranger).kid })
      .setIssuedAt()
      .setExpirationTime('30s')
      .sign(privateKey)
    await expect(verify(bearer(other))).rejects.toMatchObject(refused)
    const ownKey = { ...JSON.parse(await generateSigningKey()), kid: JSON.parse(key).kid }
    await expect(verify(bearer(await forge({ secret: JSON.stringify(ownKey) })))).rejects.toMatchObject(
      refused,
    )
    const unsigned = new UnsecuredJWT({ kind: 'user', roles: ['admin'], scopes: ['*'] })
      .setIssuer('gateway')
      .setAudience('orders')
      .setSubject('user-1')
      .setIssuedAt()
      .setExpirationTime('30s')
      .encode()
    await expect(verify(bearer(unsigned))).rejects.toMatchObject(refused)
  })

  it('is refused when it was changed', async () => {
    const [header, payload, signature] = (await forge()).split('.')
    const claims = { ...JSON.parse(Buffer.from(payload!, 'base64url').toString()), roles: ['admin'] }
    const changed = [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.')
    await expect(verify(bearer(changed))).rejects.toMatchObject(refused)
  })

  it('is refused from an issuer that is not known, or with claims that are none', async () => {
    await expect(verify(bearer(await forge({ claims: { iss: 'stranger' } })))).rejects.toMatchObject(refused)
    await expect(verify(bearer(await forge({ claims: { roles: ['root'] } })))).rejects.toMatchObject(refused)
    await expect(verify(bearer(await forge({ claims: { kind: 'god' } })))).rejects.toMatchObject(refused)
    await expect(verify(bearer(await forge({ claims: { sub: '' } })))).rejects.toMatchObject(refused)
  })

  it('speaks for people only when the gateway signed it; a service speaks for itself', async () => {
    const own: Caller = { kind: 'service', subject: 'notifications', roles: [], scopes: [] }
    expect(await verify(bearer(await notifications.sign('orders', own)))).toEqual(own)
    for (const claimed of [
      customer,
      { ...own, subject: 'payments' },
      { ...own, kind: 'anonymous' } as const,
    ]) {
      await expect(verify(bearer(await notifications.sign('orders', claimed)))).rejects.toMatchObject(refused)
    }
  })
})

describe('keys that cannot be had', () => {
  it.each([
    ['an error', { status: 500, body: '' }],
    ['no JSON', { status: 200, body: '<html>' }],
    ['no key set', { status: 200, body: '{"keys": 1}' }],
  ])('are 503 when the issuer answers with %s, not 401', async (_what, answer) => {
    const { url } = await keyServer(() => answer)
    const verifyBroken = createCallerVerifier('orders', new Map([['gateway', url]]))
    await expect(verifyBroken(bearer(await gateway.sign('orders', customer)))).rejects.toMatchObject({
      code: 'signing_keys_unavailable',
      status: 503,
      retryAfter: 2,
    })
  })

  it('are 503 when nobody is there, and work once somebody is', async () => {
    let up = false
    const { url } = await keyServer(() =>
      up ? { status: 200, body: JSON.stringify(gateway.publicKeys()) } : { status: 503, body: '' },
    )
    const later = createCallerVerifier(
      'orders',
      new Map([
        ['gateway', url],
        ['nobody', new URL('http://127.0.0.1:1')],
      ]),
    )
    const unreachable = await createServiceTokenSigner('nobody', key)
    await expect(later(bearer(await unreachable.sign('orders', customer)))).rejects.toMatchObject({
      status: 503,
    })
    await expect(later(bearer(await gateway.sign('orders', customer)))).rejects.toMatchObject({ status: 503 })
    up = true
    expect(await later(bearer(await gateway.sign('orders', customer)))).toEqual(customer)
  })
})

describe('createServiceTokenSigner', () => {
  it('publishes no private part', async () => {
    expect(gateway.publicKeys().keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        kid: expect.any(String),
        x: expect.any(String),
        alg: 'EdDSA',
        use: 'sig',
      },
    ])
    expect(JSON.stringify(gateway.publicKeys())).not.toContain(JSON.parse(key).d)
  })

  it('refuses what is no private Ed25519 key', async () => {
    const { d: _d, ...publicKey } = JSON.parse(key)
    await expect(createServiceTokenSigner('gateway', JSON.stringify(publicKey))).rejects.toThrow(
      'd is required',
    )
    await expect(createServiceTokenSigner('gateway', '{}')).rejects.toThrow('kty is required')
  })

  it.each<[string, (jwk: { d: string }) => string]>([
    ['is cut off', (jwk) => JSON.stringify(jwk).slice(0, -1)],
    ['begins with its secret', ({ d }) => d],
    ['lacks its name', (jwk) => JSON.stringify({ ...jwk, kid: undefined })],
    ['has a secret that is too short', (jwk) => JSON.stringify({ ...jwk, d: jwk.d.slice(0, 20) })],
    ['is none', () => 'null'],
  ])('names the variable of a key that %s, and shows nothing of it', async (_what, spoil) => {
    const jwk: { d: string } = JSON.parse(key)
    const refusal = await createServiceTokenSigner('gateway', spoil(jwk)).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(ConfigError)
    expect(String(refusal)).toContain('SERVICE_SIGNING_KEY is no private Ed25519 JWK')
    expect(inspect(refusal)).not.toContain(jwk.d.slice(0, 5))
  })
})

describe('parseIssuers', () => {
  it('reads names and URLs', () => {
    const issuers = parseIssuers('gateway=http://127.0.0.1:1/a?b=c,notifications=https://n/d')
    expect([...issuers].map(([name, { href }]) => [name, href])).toEqual([
      ['gateway', 'http://127.0.0.1:1/a?b=c'],
      ['notifications', 'https://n/d'],
    ])
  })
})
