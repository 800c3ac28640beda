import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import type { FastifyReply } from 'fastify'
import { beforeEach, describe, expect, test } from 'vitest'
import { ERRORS, type ErrorCode } from '#contracts/errors.ts'
import { ProblemError } from '#platform/problem.ts'
import { impatientGateway, patientGateway } from '#tests/support/gateway.ts'
import { ROUTES } from './routes.ts'
import { resetServices } from './testing/harness.ts'

const patient = await patientGateway()
const impatient = await impatientGateway()
let gateway = patient

const orderId = randomUUID()
let authorization: string
beforeEach(() => use(patient))

async function use(other: typeof gateway): Promise<void> {
  gateway = other
  resetServices(gateway)
  authorization = await gateway.bearer(['operator'])
}

const ordersSay = (etag: string) => {
  gateway.services.orders.answer = (_request, reply) => reply.header('etag', etag).send({ id: orderId })
}
const refuse = (reply: FastifyReply, code: ErrorCode, retryAfter?: number) => {
  if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter))
  const problem = new ProblemError(code, `It is ${code}.`).toBody('/elsewhere', 'request-1')
  return reply.code(ERRORS[code].status).type('application/problem+json').send(JSON.stringify(problem))
}

async function refund(headers: Record<string, string> = {}, signal?: AbortSignal) {
  const response = await fetch(`${gateway.url}/api/v1/orders/${orderId}/refunds`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', ...headers },
    body: '{"reason":"scratched"}',
    signal: signal ?? null,
  })
  const body = (await response.json()) as { code?: string; detail?: string; instance?: string }
  return { status: response.status, headers: response.headers, body }
}
const told = () => gateway.services.payments.requests.map(({ headers }) => headers['x-current-etag'])
const asked = () => gateway.services.orders.requests.map(({ method, url }) => `${method} ${url}`)
const scopesOf = (service: 'orders' | 'payments') =>
  decodeJwt(gateway.services[service].requests[0]!.headers.authorization!.slice(7))['scopes']

describe('a refund whose client names a version of the order', () => {
  test('reaches payments with the version that the orders service says it has', async () => {
    ordersSay('"4"')
    expect((await refund({ 'if-match': '"3"', 'x-current-etag': '"3"' })).status).toBe(200)
    expect(asked()).toEqual([`GET /api/v1/orders/${orderId}`])
    const [request] = gateway.services.payments.requests
    expect(request?.headers).toMatchObject({ 'if-match': '"3"', 'x-current-etag': '"4"' })
    expect(request?.body.toString()).toBe('{"reason":"scratched"}')
    const claims = decodeJwt(gateway.services.orders.requests[0]!.headers.authorization!.slice(7))
    expect(claims).toMatchObject({ aud: 'orders', kind: 'user', roles: ['operator'], scopes: ['*'] })
  })

  test.each([{}, { 'if-match': '*' }, { 'if-match': 'W/"3"' }, { 'if-match': '"3", "4"' }])(
    'asks nobody where there is nothing to compare: %j',
    async (headers) => {
      await refund({ ...headers, 'x-current-etag': '"3"' })
      expect(asked()).toEqual([])
      expect(told()).toEqual([undefined])
    },
  )

  test('is refused like the order itself when that is not there', async () => {
    gateway.services.orders.answer = (_request, reply) => refuse(reply, 'not_found')
    const { status, body } = await refund({ 'if-match': '"3"' })
    expect([status, body.code, body.instance]).toEqual([
      404,
      'not_found',
      `/api/v1/orders/${orderId}/refunds`,
    ])
    expect(told()).toEqual([])
  })

  test('waits for an orders service that explains itself, and counts nothing against it', async () => {
    gateway.services.orders.answer = (_request, reply) => refuse(reply, 'unavailable', 7)
    for (let round = 0; round < 15; round += 1) {
      const { status, body, headers } = await refund({ 'if-match': '"3"' })
      expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '7'])
    }
    expect(asked()).toHaveLength(15)
    expect(told()).toEqual([])
  })

  test.each<[string, () => unknown, number, string, typeof gateway]>([
    ['too long', () => sleep(1_500, {}), 504, 'upstream_timeout', impatient],
    ['without a version', () => ({ id: orderId }), 502, 'upstream_unreachable', patient],
  ])('has had no effect when the orders service answers %s', async (_how, answer, status, code, asks) => {
    await use(asks)
    gateway.services.orders.answer = answer
    const refused = await refund({ 'if-match': '"3"' })
    expect([refused.status, refused.body.code, refused.headers.get('retry-after')]).toEqual([
      status,
      code,
      '2',
    ])
    expect(refused.body.detail).toContain('nothing has happened')
    expect(told()).toEqual([])
  })

  test('goes nowhere when its client has hung up meanwhile', async () => {
    const hangUp = new AbortController()
    const { promise: noticed, resolve } = Promise.withResolvers<void>()
    gateway.services.orders.answer = (request, reply) => {
      request.raw.socket.once('close', () => resolve())
      hangUp.abort()
      reply.hijack()
      return reply
    }
    await expect(refund({ 'if-match': '"3"' }, hangUp.signal)).rejects.toThrow()
    await noticed
    ordersSay('"4"')
    await refund({ 'if-match': '"3"' })
    expect(told()).toEqual(['"4"'])
  })

  test('needs no scope to read orders with an API key: nothing of the order is shown', async () => {
    gateway.services.users.answer = () => ({
      userId: randomUUID(),
      keyId: randomUUID(),
      roles: ['operator'],
      scopes: ['orders:write'],
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    })
    authorization = `Bearer msk_${'k'.repeat(40)}`
    ordersSay('"4"')
    expect((await refund({ 'if-match': '"4"' })).status).toBe(200)
    expect([scopesOf('orders'), scopesOf('payments')]).toEqual([
      ['orders:write', 'orders:read'],
      ['orders:write'],
    ])
  })
})

describe('a refund that payments does not know the order of', () => {
  beforeEach(() => {
    gateway.services.payments.answer = (_request, reply) => refuse(reply, 'not_found')
  })

  test('is a conflict when the order is there: nothing of it was captured', async () => {
    ordersSay('"1"')
    const { status, body } = await refund()
    expect([status, body.code, body.instance]).toEqual([
      409,
      'payment_not_captured',
      `/api/v1/orders/${orderId}/refunds`,
    ])
    expect(asked()).toEqual([`GET /api/v1/orders/${orderId}`])
  })

  test('is not found when the order is not there either', async () => {
    gateway.services.orders.answer = (_request, reply) => refuse(reply, 'not_found')
    const { status, body } = await refund()
    expect([status, body.code, body.detail]).toEqual([404, 'not_found', 'It is not_found.'])
  })

  test('is not judged while the orders service cannot be asked', async () => {
    gateway.services.orders.answer = (_request, reply) => reply.code(500).send('secret')
    expect((await refund()).status).toBe(502)
  })

  test('has its other refusals passed as they are', async () => {
    gateway.services.payments.answer = (_request, reply) => refuse(reply, 'stale_version')
    expect(await refund()).toMatchObject({ status: 412, body: { code: 'stale_version' } })
    expect(asked()).toEqual([])
  })
})

describe('the payments of an order that payments does not know', () => {
  const list = async () => {
    const response = await fetch(`${gateway.url}/api/v1/orders/${orderId}/payments`, {
      headers: { authorization },
    })
    return { status: response.status, body: (await response.json()) as object }
  }
  beforeEach(() => {
    gateway.services.payments.answer = (_request, reply) => refuse(reply, 'not_found')
  })

  test('are none when the order is there', async () => {
    ordersSay('"1"')
    expect(await list()).toEqual({ status: 200, body: { data: [], nextCursor: null } })
  })

  test('are not found when there is no such order for this caller', async () => {
    gateway.services.orders.answer = (_request, reply) => refuse(reply, 'not_found')
    expect(await list()).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })
})

describe('the route table', () => {
  const OWNERS = { order: 'orders', return: 'orders', product: 'inventory' } as const

  test('has the version of everything that If-Match names at the service, or tells where to ask', () => {
    const named = ROUTES.filter(({ contract }) => contract.ifMatch !== undefined)
    expect(named).toHaveLength(13)
    for (const { contract, service, about } of named)
      expect([contract.url, about?.service ?? service]).toEqual([contract.url, OWNERS[contract.ifMatch!]])
  })

  test('asks with what the call has: its parameters and its roles', () => {
    for (const { contract, about } of ROUTES) {
      if (about === undefined) continue
      expect(about.read.access).toEqual(expect.arrayContaining([contract.access].flat()))
      expect(contract.url).toContain(about.read.url)
      expect(about.read.method).toBe('GET')
    }
  })
})
