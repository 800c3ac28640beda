import { beforeAll, describe, expect, it, vi } from 'vitest'
import { openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop

const PATIENCE = { timeout: 40_000, interval: 200 }

beforeAll(async () => {
  shop = await openShop()
})

describe('an order that goes through', () => {
  it('is completed, paid, shipped and told to its customer, with the right rows everywhere', async () => {
    const customer = await shop.customer()
    const sku = await shop.product({ AMS: 10 })
    const placed = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 3 }] }))
    expect(placed).toMatchObject({
      status: 'placed',
      subtotal: 3000,
      shipping: 490,
      tax: 630 + 103,
      total: 4223,
      version: 1,
    })

    await shop.reaches(customer, placed.id, 'completed')
    await shop.shows(customer, placed.id, {
      fulfilment: { status: 'delivered' },
      lines: [{ sku, quantity: 3, fulfilled: 3, returned: 0 }],
      needsAttention: false,
      waitingFor: null,
      actions: ['return'],
      payment: {
        status: 'captured',
        authorized: 4223,
        captured: 4223,
        refunded: 0,
        method: { brand: 'visa', last4: '4242' },
      },
      shipments: [{ warehouse: 'AMS', status: 'delivered', lines: [{ sku, quantity: 3 }] }],
    })

    expect(
      await shop.rows('orders', `SELECT status, reason_code FROM orders WHERE id = '${placed.id}'`),
    ).toEqual([{ status: 'completed', reason_code: null }])
    expect(
      await shop.rows('orders', `SELECT 1 FROM workflow_starts WHERE order_id = '${placed.id}'`),
    ).toEqual([])
    // the inventory hears of a dispatch as others do
    await shop.untilStock(sku, { AMS: 7 })
    expect(
      await shop.rows('inventory', `SELECT status FROM reservations WHERE order_id = '${placed.id}'`),
    ).toEqual([{ status: 'shipped' }])
    expect(
      await shop.rows(
        'payments',
        `SELECT status, authorized, captured, released FROM payments WHERE order_id = '${placed.id}'`,
      ),
    ).toEqual([{ status: 'captured', authorized: '4223', captured: '4223', released: '0' }])
    expect(
      await shop.rows('shipping', `SELECT status FROM shipments WHERE order_id = '${placed.id}'`),
    ).toEqual([{ status: 'delivered' }])
    expect((await shop.ledgerOf(placed.id)).map(({ type, amount }) => [type, amount])).toEqual([
      ['authorization', 4223],
      ['capture', 4223],
    ])
    await shop.expectSound()
  })

  it('splits over two warehouses when neither has enough, and each parcel captures its share', async () => {
    const sku = await shop.product({ AMS: 5, LJU: 5 })
    const customer = await shop.customer()
    const placed = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 8 }] }))
    await shop.reaches(customer, placed.id, 'completed')
    await vi.waitFor(async () => {
      const { shipments } = await customer.readOrder(placed.id)
      expect(shipments.map(({ warehouse }) => warehouse).toSorted()).toEqual(['AMS', 'LJU'])
    }, PATIENCE)
    const captures = (await shop.ledgerOf(placed.id)).filter(({ type }) => type === 'capture')
    expect(captures).toHaveLength(2)
    expect(captures.reduce((sum, { amount = 0 }) => sum + amount, 0)).toBe(placed.total)
  })

  it('has a timeline with every kind of entry, in order, with one trace', async () => {
    const customer = await shop.customer()
    const { id } = await customer.placeOrder(orderOf())
    await shop.reaches(customer, id, 'completed')
    await vi.waitFor(async () => {
      const entries = await customer.readTimeline(id)
      expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).toSorted())
      expect(new Set(entries.map(({ kind }) => kind))).toEqual(
        new Set(['request', 'event', 'step', 'payment', 'parcel']),
      )
      expect(entries.map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          'placeOrder',
          'reserveInventory',
          'authorizePayment',
          'order.confirmed',
          'payment.captured',
          'shipment.delivered',
          'order.completed',
        ]),
      )
      const saga = entries.filter(({ kind }) => kind === 'step' || kind === 'request')
      expect(new Set(saga.map(({ traceId }) => traceId)).size).toBe(1)
    }, PATIENCE)
  })

  it('sends each mail once', async () => {
    const customer = await shop.customer()
    const { id, number } = await customer.placeOrder(orderOf())
    await shop.reaches(customer, id, 'completed')
    const me = await customer.send<{ email: string }>('GET', '/api/v1/users/me')
    await vi.waitFor(async () => {
      const subjects = await shop.mailsTo(me.body.email)
      expect(subjects.filter((subject) => subject.includes(number)).length).toBe(subjects.length)
      expect(subjects).toHaveLength(4)
    }, PATIENCE)
  })
})
