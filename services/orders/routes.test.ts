import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Order } from '#contracts/http/orders.ts'
import type { Role } from '#contracts/schemas.ts'
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import { ProblemError } from '#platform/problem.ts'
import {
  createCallerVerifier,
  createServiceTokenSigner,
  generateSigningKey,
  type ServiceTokenSigner,
} from '#platform/service-token.ts'
import { temporalAway } from '#platform/temporal/errors.ts'
import { parser } from '#platform/validation.ts'
import { listen } from '#tests/support/event-stream.ts'
import { fakeWorkflows, orderUseCases } from '#tests/support/orders-door.ts'
import { orderBody, silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createRaiseAttention } from './attention.ts'
import { createRecordProgress } from './record-progress.ts'
import { registerRoutes } from './routes.ts'

const parseOrder = parser('the answer', Order)
const [ada, bob, operatorId] = [randomUUID(), randomUUID(), randomUUID()]

let orders: TestOrders
let app: HttpServer
let url: string
let signer: ServiceTokenSigner
const keys = createServer((_request, response) => response.end(JSON.stringify(signer.publicKeys())))
/** Temporal, as this test says. */
const workflows = fakeWorkflows()

beforeAll(async () => {
  orders = await testOrders(20)
  signer = await createServiceTokenSigner('gateway', await generateSigningKey())
  keys.listen(0, '127.0.0.1')
  await once(keys, 'listening')
  const keysUrl = new URL(`http://127.0.0.1:${(keys.address() as AddressInfo).port}`)
  app = createHttpServer({ logger: silentLogger, probes: {} })
  const verifyCaller = createCallerVerifier('orders', new Map([['gateway', keysUrl]]))
  registerRoutes(app, verifyCaller, orderUseCases(orders, workflows))
  url = await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await app.close()
  keys.close()
})
beforeEach(() => {
  for (const mock of Object.values(workflows)) mock.mockReset()
  workflows.start.mockResolvedValue()
  workflows.command.mockResolvedValue()
  workflows.amend.mockResolvedValue({ outcome: 'applied' })
})

interface Who {
  subject: string
  roles: Role[]
  scopes?: string[]
}
const customer = (subject: string): Who => ({ subject, roles: ['customer'] })
const operator: Who = { subject: operatorId, roles: ['operator'] }

async function call(
  who: Who | undefined,
  method: string,
  path: string,
  { body, key, headers = {} }: { body?: unknown; key?: string; headers?: Record<string, string> } = {},
) {
  const token =
    who === undefined ? undefined : await signer.sign('orders', { kind: 'user', scopes: ['*'], ...who })
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}
/** Starts are not awaited by the answer: those of an earlier test may still come. */
const startsOf = (id: string) => workflows.start.mock.calls.filter(([{ orderId }]) => orderId === id).length
const place = (who: Who, key: string = randomUUID(), changes = {}) =>
  call(who, 'POST', '/api/v1/orders', { body: orderBody(changes), key })

describe('POST /api/v1/orders', () => {
  it('answers 201 with the order, where it is and its version, and starts its workflow', async () => {
    const { status, headers, body } = await place(customer(ada))
    expect(status).toBe(201)
    expect(parseOrder(body)).toMatchObject({ customerId: ada, status: 'placed' })
    expect(headers.get('location')).toBe(`/api/v1/orders/${body.id}`)
    expect(headers.get('etag')).toBe('"1"')
    expect(headers.get('idempotency-replayed')).toBeNull()
    await vi.waitFor(() => expect(startsOf(body.id)).toBe(1))
  })

  it('answers a repeated key with the stored answer, and another body with 422', async () => {
    const key = randomUUID()
    const first = await place(customer(ada), key)
    const repeat = await place(customer(ada), key)
    expect([repeat.status, repeat.body, repeat.headers.get('idempotency-replayed')]).toEqual([
      201,
      first.body,
      'true',
    ])
    const other = await place(customer(ada), key, { paymentMethod: 'pm_card_mastercard' })
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused'])
    expect((await place(customer(bob), key)).body.id).not.toBe(first.body.id)
  })

  it('answers 201 also when Temporal is away; the order waits for its start', async () => {
    workflows.start.mockRejectedValue(new Error('away'))
    const { status, body } = await place(customer(ada))
    expect(status).toBe(201)
    await vi.waitFor(() => expect(startsOf(body.id)).toBe(1))
    expect(await orders.database.workflowStart.count({ where: { orderId: body.id } })).toBe(1)
  })

  it('stores no refusal: the same key works once the order is right', async () => {
    const key = randomUUID()
    const refused = await place(customer(ada), key, { lines: [{ sku: 'NOPE', quantity: 1 }] })
    expect([refused.status, refused.body.code]).toEqual([422, 'unknown_sku'])
    expect(refused.body.errors).toEqual([{ path: 'lines/0/sku', message: 'is not a product' }])
    expect((await place(customer(ada), key)).status).toBe(201)
  })

  it.each([
    ['a stranger', undefined, {}, 401, 'unauthenticated'],
    ['an operator', operator, {}, 403, 'forbidden'],
    ['a key without the scope', { ...customer(ada), scopes: ['orders:read'] }, {}, 403, 'forbidden'],
    ['no lines', customer(ada), { lines: [] }, 400, 'validation_failed'],
    ['a quantity of none', customer(ada), { lines: [{ sku: 'TEE', quantity: 0 }] }, 400, 'validation_failed'],
    [
      'a price from the client',
      customer(ada),
      { lines: [{ sku: 'TEE', quantity: 1, price: 1 }] },
      400,
      'validation_failed',
    ],
    ['a card number', customer(ada), { paymentMethod: '4242 4242 4242 4242' }, 400, 'validation_failed'],
  ])('refuses %s and writes nothing', async (_what, who, changes, status, code) => {
    const before = await orders.counts()
    const answer = await call(who, 'POST', '/api/v1/orders', { body: orderBody(changes), key: randomUUID() })
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(await orders.counts()).toEqual(before)
  })

  it('needs a key', async () => {
    const { status, body } = await call(customer(ada), 'POST', '/api/v1/orders', { body: orderBody() })
    expect([status, body.code]).toEqual([400, 'idempotency_key_missing'])
  })
})

describe('POST /api/v1/quotes', () => {
  it('says what the order would cost, and writes nothing', async () => {
    const before = await orders.counts()
    const { lines, shippingAddress } = orderBody()
    const { status, body } = await call(customer(ada), 'POST', '/api/v1/quotes', {
      body: { lines, shippingAddress },
    })
    expect([status, Object.keys(body).toSorted()]).toEqual([
      200,
      ['currency', 'lines', 'shipping', 'subtotal', 'tax', 'total'],
    ])
    expect(await orders.counts()).toEqual(before)
    expect((await place(customer(ada), randomUUID(), { expectedTotal: body.total })).status).toBe(201)
  })
})

describe('whose orders', () => {
  it('a customer sees their own, an operator everybody’s; to others there is no such order', async () => {
    const { body: order } = await place(customer(ada))
    for (const path of ['', '/timeline']) {
      const statuses = await Promise.all(
        [customer(ada), operator, customer(bob)].map(
          async (who) => (await call(who, 'GET', `/api/v1/orders/${order.id}${path}`)).status,
        ),
      )
      expect(statuses).toEqual([200, 200, 404])
    }
    expect((await call(customer(ada), 'GET', `/api/v1/orders/${order.id}`)).headers.get('etag')).toBe('"1"')
    const courier: Who = { subject: randomUUID(), roles: ['courier'] }
    expect((await call(courier, 'GET', `/api/v1/orders/${order.id}`)).status).toBe(403)
    expect((await call(customer(ada), 'GET', `/api/v1/orders/${randomUUID()}`)).body.code).toBe('not_found')
    expect((await call(customer(ada), 'GET', '/api/v1/orders/nonsense')).body.code).toBe('validation_failed')

    const cancel = await call(customer(bob), 'POST', `/api/v1/orders/${order.id}/cancel`, { body: {} })
    expect([cancel.status, workflows.command.mock.calls.length]).toEqual([404, 0])
  })

  it('a list keeps to its caller', async () => {
    const { body: order } = await place(customer(bob))
    const idsFor = async (who: Who, query: string) =>
      (await call(who, 'GET', `/api/v1/orders?${query}`)).body.data.map(({ id }: Order) => id)
    expect(await idsFor(customer(bob), 'limit=1')).toEqual([order.id])
    expect(await idsFor(customer(ada), `customerId=${bob}`)).toEqual([])
    expect(await idsFor(operator, `customerId=${bob}&limit=1`)).toEqual([order.id])
    for (const query of [
      'limit=0',
      'limit=101',
      'status=imagined',
      'colour=red',
      'createdAfter=0000-01-01T00:00:00Z',
    ]) {
      expect((await call(operator, 'GET', `/api/v1/orders?${query}`)).body.code).toBe('validation_failed')
    }
    expect((await call(operator, 'GET', '/api/v1/orders?cursor=x')).body.code).toBe('invalid_cursor')
  })
})

describe('GET /api/v1/orders/:id/events', () => {
  it('is the timeline as it happens, for those who may know of the order', async () => {
    const { body: order } = await place(customer(ada))
    const path = `/api/v1/orders/${order.id}/events`
    const refusal = async (who: Who | undefined, headers = {}) =>
      (await call(who, 'GET', path, { headers })).body.code
    expect(await refusal(customer(bob))).toBe('not_found')
    expect(await refusal(undefined)).toBe('unauthenticated')
    expect(await refusal(customer(ada), { 'last-event-id': 'yesterday' })).toBe('invalid_cursor')

    const token = await signer.sign('orders', { kind: 'user', scopes: ['*'], ...customer(ada) })
    const authorization = `Bearer ${token}`
    const reader = await listen(url + path, { authorization })
    expect([reader.status, reader.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ])
    await vi.waitFor(() => expect(reader.events).toHaveLength(2))
    await createRecordProgress(orders.transact)({ orderId: order.id, status: 'reserving', steps: [] })
    await vi.waitFor(() => expect(reader.events.at(-1)?.data.name).toBe('order.reserving'))
    const resumed = await listen(url + path, { authorization, lastEventId: reader.events[1]!.id })
    await vi.waitFor(() => expect(resumed.events).toEqual(reader.events.slice(2)))
    reader.close()
    resumed.close()
  })
})

describe('POST /api/v1/orders/:id/cancel', () => {
  const cancel = (id: string, options: Parameters<typeof call>[3] = { body: { reason: 'Too late' } }) =>
    call(customer(ada), 'POST', `/api/v1/orders/${id}/cancel`, options)

  it('hands the command to the workflow and answers 202 with the order', async () => {
    const { body: order } = await place(customer(ada))
    const { status, body } = await cancel(order.id)
    expect([status, parseOrder(body).id]).toEqual([202, order.id])
    expect(workflows.command).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ orderId: order.id }),
      { name: 'cancel', argument: { by: ada, reason: 'Too late' } },
      expect.any(String),
    )
    const timeline = await call(customer(ada), 'GET', `/api/v1/orders/${order.id}/timeline`)
    expect(timeline.body.data.at(-1)).toMatchObject({ kind: 'request', name: 'cancel', status: 'accepted' })
  })

  it('hands a repeated key over once', async () => {
    const { body: order } = await place(customer(ada))
    const key = randomUUID()
    const first = await cancel(order.id, { body: {}, key })
    const repeat = await cancel(order.id, { body: {}, key })
    expect([repeat.status, repeat.body, repeat.headers.get('idempotency-replayed')]).toEqual([
      202,
      first.body,
      'true',
    ])
    expect(workflows.command).toHaveBeenCalledOnce()
  })

  it('is 503 while Temporal is away, and the key is not used up', async () => {
    const { body: order } = await place(customer(ada))
    const key = randomUUID()
    workflows.command.mockRejectedValueOnce(temporalAway(new Error('away')))
    const away = await cancel(order.id, { body: {}, key })
    expect([away.status, away.body.code, away.headers.get('retry-after')]).toEqual([
      503,
      'workflow_engine_unavailable',
      '2',
    ])
    const again = await cancel(order.id, { body: {}, key })
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
    const [firstId, secondId] = workflows.command.mock.calls.map(([, , updateId]) => updateId)
    expect(firstId).toBe(secondId) // the same Update, had the first one got through
  })

  it('is 409 when the workflow refuses or the order is at its end, and changes nothing', async () => {
    const { body: order } = await place(customer(ada))
    workflows.command.mockRejectedValueOnce(
      new ProblemError('order_not_cancellable', 'Every parcel has left.'),
    )
    expect((await cancel(order.id)).body).toMatchObject({
      code: 'order_not_cancellable',
      detail: 'Every parcel has left.',
    })
    const record = createRecordProgress(orders.transact)
    await record({ orderId: order.id, status: 'reserving', steps: [] })
    await record({ orderId: order.id, status: 'rejected', steps: [] })
    const before = await orders.counts()
    workflows.command.mockClear()
    expect((await cancel(order.id)).body.code).toBe('order_not_cancellable')
    expect(workflows.command).not.toHaveBeenCalled()
    expect(await orders.counts()).toEqual(before)
  })

  it('is 412 when the order has changed since it was read', async () => {
    const { body: order } = await place(customer(ada))
    const stale = await cancel(order.id, { body: {}, headers: { 'if-match': '"7"' } })
    expect([stale.status, stale.body.code, workflows.command.mock.calls.length]).toEqual([
      412,
      'stale_version',
      0,
    ])
    expect((await cancel(order.id, { body: {}, headers: { 'if-match': '"1"' } })).status).toBe(202)
  })
})

describe('operations', () => {
  it('are for operators: what waits, and the answer to it', async () => {
    const { body: order } = await place(customer(ada))
    const state = {
      step: 's',
      operation: 'capture',
      error: 'e',
      attempts: 3,
      since: new Date().toISOString(),
    }
    await createRaiseAttention(orders.transact)({ orderId: order.id, ...state })
    const waiting = await call(operator, 'GET', '/api/v1/operations/attention')
    expect(waiting.body.data).toEqual([{ orderId: order.id, ...state, actions: ['retry', 'resolve'] }])
    const answer = { action: 'retry', note: 'The bank is back' }
    const path = `/api/v1/orders/${order.id}/operations`
    const done = await call(operator, 'POST', path, { body: answer, key: randomUUID() })
    expect(done.status).toBe(202)
    expect(workflows.command).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ orderId: order.id }),
      { name: 'operate', argument: { ...answer, by: operatorId } },
      expect.any(String),
    )
    expect((await call(operator, 'POST', path, { body: answer })).body.code).toBe('idempotency_key_missing')
    for (const [method, at] of [
      ['GET', '/api/v1/operations/attention'],
      ['POST', path],
    ] as const) {
      const refused = await call(
        customer(ada),
        method,
        at,
        method === 'POST' ? { body: answer, key: 'k' } : {},
      )
      expect(refused.status).toBe(403)
    }
  })
})
