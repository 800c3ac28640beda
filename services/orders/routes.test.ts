import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { Order } from '#contracts/http/orders.ts'
import { parser } from '#platform/validation.ts'
import { customer, ordersServer, type Who } from '#tests/support/orders-server.ts'
import { orderBody } from '#tests/support/orders.ts'

const parseOrder = parser('the answer', Order)
const [ada, bob] = [randomUUID(), randomUUID()]
const operator: Who = { subject: randomUUID(), roles: ['operator'] }

const server = ordersServer()
const { workflows, call, place } = server

/** Starts are not awaited by the answer: those of an earlier test may still come. */
const startsOf = (id: string) => workflows.start.mock.calls.filter(([{ orderId }]) => orderId === id).length

describe('POST /api/v1/orders', () => {
  it('answers 201 with the order, where it is and its version, and starts its workflow', async () => {
    const { status, headers, body } = await place(customer(ada))
    expect(status).toBe(201)
    expect(parseOrder(body)).toMatchObject({ customerId: ada, status: 'placed' })
    expect(headers.get('location')).toBe(`/api/v1/orders/${body.id}`)
    expect(headers.get('etag')).toBe('"1"')
    expect(headers.get('idempotency-replayed')).toBeNull()
    await vi.waitFor(() => expect(startsOf(body.id)).toBe(1), 40_000)
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
    await vi.waitFor(() => expect(startsOf(body.id)).toBe(1), 40_000)
    expect(await server.orders.database.workflowStart.count({ where: { orderId: body.id } })).toBe(1)
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
    ['a card number', customer(ada), { paymentMethod: '4242 4242 4242 4242' }, 422, 'payment_method_unknown'],
  ])('refuses %s and writes nothing', async (_what, who, changes, status, code) => {
    // the starts of earlier orders end when they end
    await server.orders.database.workflowStart.deleteMany()
    const before = await server.orders.counts()
    const answer = await call(who, 'POST', '/api/v1/orders', { body: orderBody(changes), key: randomUUID() })
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(await server.orders.counts()).toEqual(before)
  })

  it.each(['4242424242424242', '4242_4242_4242_4242', 'pm_378282246310005', '123'])(
    'takes no card number for a token, however it is written: %s',
    async (paymentMethod) => {
      const before = await server.orders.database.order.count()
      const { status, body } = await place(customer(ada), randomUUID(), { paymentMethod })
      expect([status, body.code]).toEqual([422, 'payment_method_unknown'])
      expect(JSON.stringify(body)).not.toContain(paymentMethod)
      expect(await server.orders.database.order.count()).toBe(before)
    },
  )

  it.each(['name', 'line1', 'city', 'postalCode'])('needs an address with a %s to read', async (field) => {
    const shippingAddress = { ...orderBody().shippingAddress, [field]: '  ' }
    const { status, body } = await place(customer(ada), randomUUID(), { shippingAddress })
    expect([status, body.errors[0].path]).toEqual([400, `shippingAddress/${field}`])
  })

  it('needs a key', async () => {
    const { status, body } = await call(customer(ada), 'POST', '/api/v1/orders', { body: orderBody() })
    expect([status, body.code]).toEqual([400, 'idempotency_key_missing'])
  })
})

describe('POST /api/v1/quotes', () => {
  it('says what the order would cost, and writes nothing', async () => {
    const before = await server.orders.counts()
    const { lines, shippingAddress } = orderBody()
    const { status, body } = await call(customer(ada), 'POST', '/api/v1/quotes', {
      body: { lines, shippingAddress },
    })
    expect([status, Object.keys(body).toSorted()]).toEqual([
      200,
      ['currency', 'lines', 'shipping', 'subtotal', 'tax', 'total'],
    ])
    expect(await server.orders.counts()).toEqual(before)
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
