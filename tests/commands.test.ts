import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Problem } from '#contracts/schemas.ts'
import type { Order } from '#contracts/http/orders.ts'
import { newCustomer, openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop

beforeAll(async () => {
  shop = await openShop()
})

const orderCount = async (): Promise<number> => {
  const [row] = await shop.rows<{ count: string }>('orders', 'SELECT count(*) FROM orders')
  return Number(row?.count)
}

describe('a repeated order', () => {
  it('is one order and one charge, however often it is sent at the same time', async () => {
    const customer = await shop.customer()
    const key = randomUUID()
    const before = await orderCount()
    const send = () =>
      customer.send<Order>('POST', '/api/v1/orders', { body: orderOf(), headers: { 'idempotency-key': key } })
    const answers = await Promise.all(Array.from({ length: 100 }, send))
    const statuses = new Set(answers.map(({ status }) => status))
    // the first is still running (409), the first was answered (201), or the limit of 100 a minute is reached;
    // where the machine paused it was not answered in time
    expect(
      [...statuses].every((status) => [201, 409, 429, 503, 504].includes(status)),
      [...statuses].join(),
    ).toBe(true)
    const accepted = answers.filter(({ status }) => status === 201)
    // whoever was not answered asks again, at the latest in the next minute
    if (accepted.length === 0)
      accepted.push(
        await vi.waitFor(
          async () => {
            const again = await send()
            expect(again.status).toBe(201)
            return again
          },
          { timeout: 90_000, interval: 2_000 },
        ),
      )
    expect(new Set(accepted.map(({ body }) => body.id)).size).toBe(1)
    const firsts = accepted.filter(({ headers }) => headers.get('idempotency-replayed') !== 'true').length
    const lost = answers.some(({ status }) => status > 500) ? 1 - Math.min(firsts, 1) : 0
    expect(firsts + lost).toBe(1)
    expect(await orderCount()).toBe(before + 1)
    const [id = ''] = accepted.map(({ body }) => body.id)
    const order = await shop.reaches(await shop.operator(), id, 'completed')
    expect((await shop.ledgerOf(order.id)).filter(({ type }) => type === 'authorization')).toHaveLength(1)
    expect(await shop.sources.temporal.workflow.count(`WorkflowId = "order-${id}"`)).toMatchObject({
      count: 1,
    })
  })

  it('gets the first answer again, to the letter', async () => {
    const customer = await shop.customer()
    const key = randomUUID()
    const headers = { 'idempotency-key': key }
    const first = await customer.send('POST', '/api/v1/orders', { body: orderOf(), headers })
    const second = await customer.send('POST', '/api/v1/orders', { body: orderOf(), headers })
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body).toEqual(first.body)
    expect([first.headers.get('idempotency-replayed'), second.headers.get('idempotency-replayed')]).toEqual([
      null,
      'true',
    ])
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
  })

  it('is refused with another body, and nothing is ordered', async () => {
    const customer = await shop.customer()
    const headers = { 'idempotency-key': randomUUID() }
    await customer.send('POST', '/api/v1/orders', { body: orderOf(), headers })
    const before = await orderCount()
    const changed = orderOf({ lines: [{ sku: 'MUG-WHITE', quantity: 2 }] })
    const { status, body } = await customer.send<Problem>('POST', '/api/v1/orders', {
      body: changed,
      headers,
    })
    expect([status, body.code]).toEqual([422, 'idempotency_key_reused'])
    expect(await orderCount()).toBe(before)
  })

  it('has a key of its own for each customer', async () => {
    const key = randomUUID()
    const [one, other] = await Promise.all([shop.customer(), shop.customer()])
    const [first, second] = await Promise.all([
      one.placeOrder(orderOf(), key),
      other.placeOrder(orderOf(), key),
    ])
    expect(first.id).not.toBe(second.id)
  })
})

describe('bad input', () => {
  const KEY = { 'idempotency-key': 'bad-input' }
  it.each<[string, unknown, Record<string, string>, number, string, string | undefined]>([
    ['an unknown field', { ...orderOf(), discount: 5 }, KEY, 400, 'validation_failed', 'discount'],
    [
      'an unknown field of a line',
      orderOf({ lines: [{ sku: 'MUG-WHITE', quantity: 1, price: 1 } as never] }),
      KEY,
      400,
      'validation_failed',
      'lines/0/price',
    ],
    [
      'a negative quantity',
      orderOf({ lines: [{ sku: 'MUG-WHITE', quantity: -1 }] }),
      KEY,
      400,
      'validation_failed',
      'lines/0/quantity',
    ],
    [
      'a quantity in quotes',
      orderOf({ lines: [{ sku: 'MUG-WHITE', quantity: '1' as never }] }),
      KEY,
      400,
      'validation_failed',
      'lines/0/quantity',
    ],
    ['no lines', orderOf({ lines: [] }), KEY, 400, 'validation_failed', 'lines'],
    [
      'a missing address',
      { ...orderOf(), shippingAddress: undefined },
      KEY,
      400,
      'validation_failed',
      'shippingAddress',
    ],
    ['a missing key', orderOf(), {}, 400, 'idempotency_key_missing', undefined],
    [
      'a key that is too long',
      orderOf(),
      { 'idempotency-key': 'k'.repeat(256) },
      400,
      'idempotency_key_invalid',
      undefined,
    ],
    ['text that is not JSON', '{"lines":', KEY, 400, 'malformed_json', undefined],
    [
      'an unknown product',
      orderOf({ lines: [{ sku: 'NO-SUCH-THING', quantity: 1 }] }),
      KEY,
      422,
      'unknown_sku',
      'lines/0/sku',
    ],
    [
      'another total than expected',
      orderOf({ expectedTotal: 1 }),
      KEY,
      422,
      'total_mismatch',
      'expectedTotal',
    ],
    ['ten megabytes', { ...orderOf(), note: 'x'.repeat(10_000_000) }, KEY, 413, 'body_too_large', undefined],
  ])('%s is refused and nothing is ordered', async (_what, body, headers, status, code, path) => {
    const customer = await shop.customer()
    const before = await orderCount()
    const answer = await customer.send<Problem>('POST', '/api/v1/orders', { body, headers })
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.headers.get('x-request-id')).toBe(answer.body.requestId)
    if (path !== undefined) expect(answer.body.errors?.map((error) => error.path)).toContain(path)
    expect(await orderCount()).toBe(before)
  })

  it('a mixed currency is refused', async () => {
    const operator = await shop.operator()
    const product = { name: 'Yen thing', price: 100, currency: 'JPY', taxClass: 'standard', weightGrams: 1 }
    await operator.send('PUT', '/api/v1/products/YEN-THING', { body: product })
    const customer = await shop.customer()
    const lines = [
      { sku: 'MUG-WHITE', quantity: 1 },
      { sku: 'YEN-THING', quantity: 1 },
    ]
    await expect
      .poll(
        async () =>
          (
            await customer.send<Problem>('POST', '/api/v1/quotes', {
              body: { lines, shippingAddress: orderOf().shippingAddress },
            })
          ).body.code,
        { timeout: 40_000 },
      )
      .toBe('currency_mismatch')
  })
})

describe('strangers', () => {
  it('cannot know of another customer’s order', async () => {
    const [mine, stranger] = await Promise.all([shop.customer(), shop.customer()])
    const { id } = await mine.placeOrder(orderOf({ paymentMethod: 'pm_sandbox_slow' }))
    const calls = [
      stranger.send('GET', `/api/v1/orders/${id}`),
      stranger.send('GET', `/api/v1/orders/${id}/timeline`),
      stranger.send('GET', `/api/v1/orders/${id}/payments`),
      stranger.send('POST', `/api/v1/orders/${id}/cancel`),
    ]
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([404, 404, 404, 404])
    const list = await stranger.send<{ data: Order[] }>('GET', '/api/v1/orders')
    expect(list.body.data).toEqual([])
    expect((await shop.anonymous.send('GET', `/api/v1/orders/${id}`)).status).toBe(401)
    await shop.reaches(mine, id, 'completed')
    const [shipment] = (await shop.until(mine, id, ({ shipments }) => shipments.length > 0)).shipments
    expect((await stranger.send('GET', `/api/v1/shipments/${shipment?.id}`)).status).toBe(404)
    expect((await mine.send('GET', `/api/v1/shipments/${shipment?.id}`)).status).toBe(200)
  })

  it('cannot reach a service past the gateway', async () => {
    const customer = await newCustomer(shop.gatewayUrl)
    const own = await customer.send<{ id: string }>('GET', '/api/v1/users/me')
    for (const headers of [{}, { 'x-user-id': own.body.id, 'x-user-roles': 'admin' }]) {
      const response = await fetch(
        `${shop.gatewayUrl.replace(/\d+$/, String(shop.ports.orders))}/api/v1/orders`,
        { headers },
      )
      expect(response.status).toBe(401)
    }
  })

  it('cannot raise themselves by headers', async () => {
    const customer = await shop.customer()
    const answer = await customer.send('GET', '/api/v1/users', {
      headers: { 'x-user-roles': 'admin', 'x-forwarded-for': '127.0.0.1' },
    })
    expect(answer.status).toBe(403)
  })
})

describe('limits', () => {
  it('stop a customer at a hundred calls to orders a minute, and nobody else', async () => {
    const [busy, calm] = await Promise.all([shop.customer(), shop.customer()])
    const answers = []
    for (let call = 0; call < 101; call++) answers.push(await busy.send<Problem>('GET', '/api/v1/orders'))
    expect(answers.slice(0, 100).every(({ status }) => status === 200)).toBe(true)
    const last = answers[100]
    expect([last?.status, last?.body.code]).toEqual([429, 'rate_limited'])
    expect(Number(last?.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(last?.headers.get('ratelimit-policy')).toContain('q=100;w=60')
    expect(last?.headers.get('ratelimit')).toContain('r=0')
    expect((await calm.send('GET', '/api/v1/orders')).status).toBe(200)
  })
})
