import { randomUUID } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import { patientGateway } from '#tests/support/gateway.ts'
import { rawRequest, type RawRequest } from './testing/raw-request.ts'

const gateway = await patientGateway()
const orderId = randomUUID()
const raw = (options: RawRequest) => rawRequest(gateway.url, options)

describe('what reaches a service', () => {
  test('the path, the query and the bytes of the body arrive as they were sent', async () => {
    const body = '{ "lines" : [ ],\n "x": "\\u00e9" }'
    await raw({
      method: 'POST',
      path: '/api/v1/webhooks/payments/sandbox?a=1&b=%20c',
      headers: { 'content-type': 'application/json; charset=utf-8', 'provider-signature': 't=1,v1=abc' },
      body,
    })
    const [request] = gateway.services.payments.requests
    expect(request?.method).toBe('POST')
    expect(request?.url).toBe('/api/v1/webhooks/payments/sandbox?a=1&b=%20c')
    expect(request?.body.toString()).toBe(body)
    expect(request?.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(request?.headers['content-length']).toBe(String(body.length))
    expect(request?.headers['provider-signature']).toBe('t=1,v1=abc')
  })

  test('signatures of webhooks pass, whatever the provider calls them, and nothing that only looks like one', async () => {
    await raw({
      method: 'POST',
      path: '/api/v1/webhooks/carriers/ups',
      headers: {
        'content-type': 'application/json',
        'x-hub-signature': 'sha1=abc',
        'ups2-signature': 'v2=def',
        'x-signature-of': '1',
        '-signature': '1',
        '2x-signature': '1',
        [`a${'b'.repeat(41)}-signature`]: '1',
      },
      body: '{}',
    })
    const headers = gateway.services.shipping.requests.at(-1)!.headers
    expect(Object.entries(headers).filter(([name]) => name.includes('signature'))).toEqual([
      ['x-hub-signature', 'sha1=abc'],
      ['ups2-signature', 'v2=def'],
    ])
  })

  test('headers that claim an identity, an origin or a connection do not pass, those of the list do', async () => {
    await raw({
      path: '/api/v1/orders',
      headers: {
        authorization: await gateway.bearer(['customer']),
        accept: 'application/json',
        'if-match': '"3"',
        'idempotency-key': 'key-1',
        'last-event-id': '7',
        'x-user-id': 'admin',
        'x-user-roles': 'admin',
        'x-client-ip': '6.6.6.6',
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-host': 'evil.test',
        forwarded: 'for=6.6.6.6',
        'x-real-ip': '6.6.6.6',
        cookie: 'session=1',
        te: 'trailers',
        connection: 'keep-alive, authorization, x-client-ip, x-request-id',
        'accept-encoding': 'gzip',
        'x-anything': '1',
      },
    })
    const headers = gateway.services.orders.requests[0]!.headers
    expect(Object.keys(headers).sort()).toEqual([
      'accept',
      'authorization',
      'connection', // undici's own, towards the service
      'host',
      'idempotency-key',
      'if-match',
      'last-event-id',
      'traceparent',
      'x-client-ip',
      'x-request-id',
    ])
    expect(headers['connection']).toBe('keep-alive')
    expect(headers['x-client-ip']).toBe('127.0.0.1')
    expect(headers['host']).toBe(new URL(gateway.services.orders.url).host)
  })

  test('the credentials of the client are replaced by a token for that service alone, of 30 seconds', async () => {
    const userId = randomUUID()
    const authorization = await gateway.bearer(['customer', 'operator'], userId)
    await raw({ path: `/api/v1/orders/${orderId}`, headers: { authorization } })
    const sent = gateway.services.orders.requests[0]!.headers.authorization!
    expect(sent).not.toBe(authorization)
    const published = await fetch(`${gateway.url}/.well-known/service-jwks.json`)
    const keys = createLocalJWKSet((await published.json()) as JSONWebKeySet)
    const verified = await jwtVerify(sent.slice(7), keys, {
      issuer: 'gateway',
      audience: 'orders',
      typ: 'svc+jwt',
    })
    expect(verified.payload).toMatchObject({
      kind: 'user',
      sub: userId,
      roles: ['customer', 'operator'],
      scopes: ['*'],
    })
    expect(verified.payload.exp! - verified.payload.iat!).toBe(30)
  })

  test('a stranger arrives as anonymous', async () => {
    await raw({ path: '/api/v1/products' })
    const claims = decodeJwt(gateway.services.inventory.requests[0]!.headers.authorization!.slice(7))
    expect(claims).toMatchObject({
      aud: 'inventory',
      kind: 'anonymous',
      sub: 'anonymous',
      roles: [],
      scopes: [],
    })
  })

  test('a good request id and trace go on, bad ones are replaced', async () => {
    const traceId = 'a'.repeat(32)
    const good = await raw({
      path: '/api/v1/products',
      headers: { 'x-request-id': 'request-12345', traceparent: `00-${traceId}-${'b'.repeat(16)}-01` },
    })
    const bad = await raw({
      path: '/api/v1/products',
      headers: { 'x-request-id': 'a b', traceparent: 'nonsense' },
    })
    const [first, second] = gateway.services.inventory.requests
    expect(good.headers['x-request-id']).toBe('request-12345')
    expect(first?.headers['x-request-id']).toBe('request-12345')
    expect(first?.headers['traceparent']).toMatch(new RegExp(`^00-${traceId}-(?!b{16})[0-9a-f]{16}-01$`))
    expect(bad.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(second?.headers['x-request-id']).toBe(bad.headers['x-request-id'])
    expect(second?.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  })

  test.each([
    '/api/v1/orders/%2e%2e/timeline',
    '/api/v1/orders/../timeline',
    '/api/v1/products/..%5c..%5cinternal',
    'http://evil.test/api/v1/products',
    '//evil.test/api/v1/products',
    '/api/v1/products/..%2f..%2finternal',
    '/api/v1/products/a\\b',
  ])('a path that could be read in two ways leads nowhere: %s', async (path) => {
    const answer = await raw({ path, headers: { authorization: await gateway.bearer(['operator']) } })
    expect(answer.status).toBe(404)
    expect(Object.values(gateway.services).flatMap(({ requests }) => requests)).toEqual([])
  })

  test('internal routes of the services are not there', async () => {
    const answer = await raw({ method: 'POST', path: '/internal/api-keys/verify', body: '{}' })
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'not_found', status: 404 })
    expect(gateway.services.users.requests).toEqual([])
  })

  test('a known path with another method is 405 and names the right ones', async () => {
    const answer = await raw({ method: 'DELETE', path: '/api/v1/orders' })
    expect(answer.status).toBe(405)
    expect(String(answer.headers['allow']).split(', ').sort()).toEqual(['GET', 'HEAD', 'POST'])
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  })
})

describe('sizes', () => {
  const webhook = '/api/v1/webhooks/payments/sandbox'
  const headers = { 'content-type': 'application/json' }

  test('a webhook of 256 KiB passes, one byte more does not reach the service', async () => {
    const fits = await raw({ method: 'POST', path: webhook, headers, body: Buffer.alloc(262_144, 0x20) })
    expect(fits.status).toBe(200)
    const over = await raw({ method: 'POST', path: webhook, headers, body: Buffer.alloc(262_145, 0x20) })
    expect(over.status).toBe(413)
    expect(JSON.parse(over.body)).toMatchObject({ code: 'body_too_large' })
    expect(gateway.services.payments.requests).toHaveLength(1)
  })

  test('a body without a declared length is counted', async () => {
    const chunked = { ...headers, 'transfer-encoding': 'chunked' }
    const over = await raw({
      method: 'POST',
      path: webhook,
      headers: chunked,
      body: Buffer.alloc(300_000, 0x20),
    })
    expect(over.status).toBe(413)
    expect(gateway.services.payments.requests).toEqual([])
  })

  test('elsewhere it is 1 MiB', async () => {
    const authorization = await gateway.bearer(['customer'])
    const post = (size: number) =>
      raw({
        method: 'POST',
        path: '/api/v1/orders',
        headers: { ...headers, authorization },
        body: Buffer.alloc(size, 0x20),
      })
    expect((await post(1_048_576)).status).toBe(200)
    expect((await post(1_048_577)).status).toBe(413)
    expect(gateway.services.orders.requests).toHaveLength(1)
  })
})

describe('what comes back', () => {
  test('status, body and the headers of the list', async () => {
    gateway.services.orders.answer = (_request, reply) =>
      reply
        .code(201)
        .headers({
          location: `/api/v1/orders/${orderId}`,
          etag: '"1"',
          'idempotency-replayed': 'true',
          'set-cookie': 'a=b',
          server: 'secret/1',
          'x-internal': '1',
        })
        .send({ id: orderId })
    const answer = await raw({
      method: 'POST',
      path: '/api/v1/orders',
      headers: { authorization: await gateway.bearer(['customer']) },
    })
    expect(answer.status).toBe(201)
    expect(JSON.parse(answer.body)).toEqual({ id: orderId })
    expect(answer.headers).toMatchObject({
      location: `/api/v1/orders/${orderId}`,
      etag: '"1"',
      'idempotency-replayed': 'true',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    })
    for (const name of ['set-cookie', 'server', 'x-internal']) expect(answer.headers).not.toHaveProperty(name)
  })

  test('an empty answer and a HEAD', async () => {
    gateway.services.users.answer = (_request, reply) => reply.code(204).send()
    const authorization = await gateway.bearer(['customer'])
    const removed = await raw({ method: 'DELETE', path: '/api/v1/users/me', headers: { authorization } })
    expect(removed).toMatchObject({ status: 204, body: '' })
    const head = await raw({ method: 'HEAD', path: '/api/v1/products' })
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(gateway.services.inventory.requests[0]?.method).toBe('HEAD')
  })

  test("a service's problems pass as they are, also those of 500 and above", async () => {
    const problem = { code: 'workflow_engine_unavailable', status: 503 }
    gateway.services.orders.answer = (_request, reply) =>
      reply
        .code(503)
        .header('retry-after', '3')
        .type('application/problem+json')
        .send(JSON.stringify(problem))
    const authorization = await gateway.bearer(['customer'])
    const answer = await raw({ path: '/api/v1/orders', headers: { authorization } })
    expect(answer.status).toBe(503)
    expect(answer.headers['retry-after']).toBe('3')
    expect(JSON.parse(answer.body)).toEqual(problem)
  })

  test.each([
    ['a stack trace', 500, 'text/plain', 'Error: at /srv/secret.ts:1'],
    ['JSON that is no problem', 500, 'application/json', '{"message":"secret"}'],
    ['a page', 200, 'text/html', '<h1>secret</h1>'],
  ])('%s becomes a problem without its content', async (_what, status, type, body) => {
    gateway.services.shipping.answer = (_request, reply) => reply.code(status).type(type).send(body)
    const authorization = await gateway.bearer(['courier'])
    const answer = await raw({ path: '/api/v1/shipments', headers: { authorization } })
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'upstream_unreachable',
      instance: '/api/v1/shipments',
    })
    expect(answer.body).not.toContain('secret')
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  })

  test('a GET that is answered 503 is not repeated', async () => {
    gateway.services.inventory.answer = (_request, reply) =>
      reply.code(503).type('application/problem+json').send('{"code":"unavailable"}')
    expect((await raw({ path: '/api/v1/products' })).status).toBe(503)
    expect(gateway.services.inventory.requests).toHaveLength(1)
  })
})
