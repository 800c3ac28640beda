import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Order } from '#contracts/http/orders.ts'
import type { Problem } from '#contracts/schemas.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import { check } from '#stack/check/check.ts'
import type { CheckTarget } from '#stack/check/sources.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import type { ApiClient } from '#stack/demo/client.ts'
import type { ProcessName } from '#stack/environments.ts'
import { untilHealthy, type Stack } from '#stack/stack.ts'
import { startOwnStack } from './support/own-stack.ts'
import { newCustomer, orderOf, type Shop } from './support/shop.ts'

/** A stack of its own, every part a process that can really be killed. */
let stack: Stack
let target: CheckTarget
let shop: Shop

beforeAll(async () => {
  const settings = { LIMIT_ORDERS_PER_MINUTE: '100000' }
  ;({ stack, target, shop } = await startOwnStack({ processes: true, settings }))
})

// every fault heals, and afterwards every promise holds
afterEach(async () => {
  const { temporal, nats, postgres } = stack.infrastructure
  for (const server of [temporal, nats, postgres]) if (!server.isRunning()) await server.start()
  await untilHealthy(stack.gatewayUrl)
  const findings = await check(target, { settled: true, patienceMs: 30_000 })
  if (findings.length > 0) throw new Error(`broken promises: ${JSON.stringify(findings, null, 1)}`)
})

const PATIENCE = { timeout: 60_000, interval: 250 }

const child = (name: ProcessName) => {
  const found = stack.processes?.children[name]
  if (found === undefined) throw new Error(`there is no process ${name}`)
  return found
}

const completes = (client: ApiClient, id: string): Promise<Order> =>
  vi.waitFor(async () => {
    const order = await client.readOrder(id)
    expect(order.status).toBe('completed')
    return order
  }, PATIENCE)

describe('an order that is accepted', () => {
  it('while Temporal is stopped completes after it has returned', async () => {
    const customer = await newCustomer(stack.gatewayUrl)
    await stack.infrastructure.temporal.kill()
    const placed = await customer.placeOrder(orderOf())
    expect(placed.status).toBe('placed')

    const key = randomUUID()
    const away = await customer.send<Problem>('POST', `/api/v1/orders/${placed.id}/cancel`, {
      headers: { 'idempotency-key': key },
    })
    expect([away.status, away.body.code]).toEqual([503, 'workflow_engine_unavailable'])
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0)

    await stack.infrastructure.temporal.start()
    await completes(customer, placed.id)
    // the key was not consumed by the 503: this is a first answer
    const late = await customer.send<Problem>('POST', `/api/v1/orders/${placed.id}/cancel`, {
      headers: { 'idempotency-key': key },
    })
    expect([late.status, late.body.code, late.headers.get('idempotency-replayed')]).toEqual([
      409,
      'order_not_cancellable',
      null,
    ])
  })

  it('while NATS is stopped completes, and its events arrive after it has returned', async () => {
    const customer = await newCustomer(stack.gatewayUrl)
    await stack.infrastructure.nats.kill()
    const placed = await customer.placeOrder(orderOf())
    expect(placed.status).toBe('placed')
    await stack.infrastructure.nats.start()
    await completes(customer, placed.id)
    await vi.waitFor(async () => {
      expect(await customer.readOrder(placed.id)).toMatchObject({
        payment: { status: 'captured' },
        fulfilment: { status: 'delivered' },
      })
    }, PATIENCE)
  })

  it('is not lost when the orders service is killed at that moment', async () => {
    const customer = await newCustomer(stack.gatewayUrl)
    await stack.infrastructure.temporal.kill() // so that only the relay of the next process can start the workflow
    const { id } = await customer.placeOrder(orderOf())
    await child('orders').kill()
    await stack.infrastructure.temporal.start()
    await child('orders').start()
    expect(await completes(customer, id)).toMatchObject({ status: 'completed' })
  })

  it('completes when PostgreSQL is killed under it', async () => {
    const customer = await newCustomer(stack.gatewayUrl)
    const orders = await Promise.all(
      [1, 2, 3].map(() => customer.placeOrder(orderOf({ paymentMethod: 'pm_sandbox_slow' }))),
    )
    await stack.infrastructure.postgres.kill()
    const { status, body, headers } = await customer.send<Problem>('GET', `/api/v1/orders/${orders[0]!.id}`)
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
    await stack.infrastructure.postgres.start()
    const ended = await endings(customer, orders)
    expect(ended.every((end) => end === 'completed' || end === 'rejected')).toBe(true)
  })
})

/** Waits until each order has ended, or waits for an operator, whom it then gets. */
const endings = (client: ApiClient, orders: Order[]): Promise<string[]> =>
  Promise.all(
    orders.map(({ id }) =>
      vi.waitFor(async () => {
        const order = await client.readOrder(id)
        expect(isTerminal(ORDER, order.status), `${order.number} is ${order.status}`).toBe(true)
        return order.status
      }, PATIENCE),
    ),
  )

describe('orders under way', () => {
  it.each<ProcessName>([
    'orders',
    'inventory',
    'payments',
    'shipping',
    'users',
    'notifications',
    'provider',
    'carrier',
    'gateway',
  ])('come to their end although %s is killed under them', async (name) => {
    const customer = await newCustomer(stack.gatewayUrl)
    const orders = await Promise.all([1, 2, 3, 4].map(() => customer.placeOrder(orderOf())))
    await child(name).kill()
    await child(name).start()
    await untilHealthy(stack.gatewayUrl)
    const ended = await endings(customer, orders)
    expect(
      ended.every((status) => status === 'completed' || status === 'rejected'),
      ended.join(),
    ).toBe(true)
  })
})

describe('orders that wait for stock', () => {
  const receive = async (sku: string, delta: number) => {
    const operator = await shop.operator()
    const delivery = { warehouse: 'AMS', delta, reason: 'a delivery' }
    const { status } = await operator.post(`/api/v1/stock/${sku}/adjustments`, delivery)
    expect(status).toBe(201)
  }

  const reservationsAre = (sku: string, statuses: string[]) =>
    vi.waitFor(async () => {
      const rows = await shop.rows<{ status: string }>(
        'inventory',
        `SELECT status FROM reservations WHERE id IN (
           SELECT reservation_id FROM reservation_lines WHERE sku = '${sku}'
           UNION SELECT reservation_id FROM backorder_lines WHERE sku = '${sku}') ORDER BY created_at`,
      )
      expect(rows.map(({ status }) => status)).toEqual(statuses)
    }, PATIENCE)

  it('are served in turn although NATS and the inventory service are killed when it comes', async () => {
    const sku = await shop.product({})
    const customer = await shop.customer()
    const place = (quantity: number) =>
      customer.placeOrder(orderOf({ lines: [{ sku, quantity }], onShortage: 'backorder' }))
    const first = await place(2)
    await reservationsAre(sku, ['backordered'])
    const second = await place(1)
    await reservationsAre(sku, ['backordered', 'backordered'])

    // the delivery is written, and nobody hears of it
    await stack.infrastructure.nats.kill()
    await receive(sku, 2)
    await child('inventory').kill()
    await reservationsAre(sku, ['backordered', 'backordered'])
    await stack.infrastructure.nats.start()
    await child('inventory').start()
    await untilHealthy(stack.gatewayUrl)

    await completes(customer, first.id)
    await reservationsAre(sku, ['shipped', 'backordered'])
    await receive(sku, 1)
    expect(await completes(customer, second.id)).toMatchObject({ status: 'completed' })
    await shop.untilStock(sku, { AMS: 0 })
  })
})

describe('a late cancellation', () => {
  const parcels = (orderId: string, statuses: string[]) =>
    vi.waitFor(async () => {
      const rows = await shop.rows<{ status: string; tracking: string }>(
        'shipping',
        `SELECT status, tracking_number AS tracking FROM shipments WHERE order_id = '${orderId}' ORDER BY warehouse`,
      )
      expect(rows.map(({ status }) => status)).toEqual(statuses)
      return rows
    }, PATIENCE)

  it.each<ProcessName>(['orders', 'shipping', 'payments', 'inventory'])(
    'keeps what has left and undoes the rest although %s is killed in the middle of it',
    async (name) => {
      const sku = await shop.product({ AMS: 5, LJU: 5 })
      const customer = await shop.customer()
      const { id, total } = await customer.placeOrder(
        orderOf({ lines: [{ sku, quantity: 8 }], shippingAddress: BY_HAND_ADDRESS }),
      )
      const [ams] = await parcels(id, ['booked', 'booked'])
      await shop.moveParcel(ams!.tracking, 'dispatch')
      await parcels(id, ['dispatched', 'booked'])
      expect((await customer.post(`/api/v1/orders/${id}/cancel`)).status).toBe(202)
      await child(name).kill()
      await child(name).start()
      await untilHealthy(stack.gatewayUrl)
      await parcels(id, ['dispatched', 'cancelled'])
      await shop.moveParcel(ams!.tracking, 'deliver')
      await completes(customer, id)
      const money = await shop.ledgerOf(id)
      expect(money.map(({ type }) => type)).toEqual(['authorization', 'capture', 'void'])
      expect(money[1]!.amount).toBeLessThan(total)
      await shop.untilStock(sku, { AMS: 0, LJU: 5 })
    },
  )
})
