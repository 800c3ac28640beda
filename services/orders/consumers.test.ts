import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { subjectOf, type EventPayload, type EventType } from '#contracts/events.ts'
import { parseEvent } from '#platform/events/parse-event.ts'
import { EventGapError } from '#platform/events/inbox.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createConsumers } from './consumers.ts'
import { findOrder } from './store.ts'

let orders: TestOrders
let handlers: Map<string, ReturnType<typeof createConsumers>[number]['handle']>
beforeAll(async () => {
  orders = await testOrders(20)
  handlers = new Map(
    createConsumers(orders.transact, { RETURN_DAYS: 14 }).map(({ durable, handle }) => [durable, handle]),
  )
})

/** An event as it comes from the stream, checked against its contract. */
function event<T extends EventType>(
  eventType: T,
  aggregateId: string,
  version: number,
  payload: EventPayload<T>,
) {
  const body = {
    eventId: randomUUID(),
    eventType,
    aggregateId,
    timestamp: new Date().toISOString(),
    version,
    payload,
  }
  const subject = subjectOf(eventType, aggregateId)
  return parseEvent({ subject, data: new TextEncoder().encode(JSON.stringify(body)) })
}
const deliver = (durable: string, happened: ReturnType<typeof event>) => handlers.get(durable)!(happened)

const paymentEvents = (orderId: string, paymentId = randomUUID()) => {
  const sums = { authorized: 0, captured: 0, refunded: 0, released: 0 }
  const base = { paymentId, orderId, currency: 'EUR', amount: 0, brand: 'visa', last4: '4242', code: null }
  const happened = (type: Extract<EventType, `payment.${string}`>, version: number, changes: object) =>
    event(type, paymentId, version, { ...base, ...Object.assign(sums, changes) })
  return [
    happened('payment.created', 1, {}),
    happened('payment.authorized', 2, { authorized: 100 }),
    happened('payment.captured', 3, { captured: 60 }),
    happened('payment.captured', 4, { captured: 100 }),
    happened('payment.refunded', 5, { refunded: 30 }),
    happened('payment.refunded', 6, { refunded: 100 }),
  ]
}

const shipmentEvents = (orderId: string, shipmentId: string = randomUUID()) =>
  (['created', 'booked', 'dispatched', 'delivered'] as const).map((fact, index) =>
    event(`shipment.${fact}`, shipmentId, index + 1, {
      shipmentId,
      orderId,
      warehouse: 'AMS',
      lines: [{ sku: 'TEE', quantity: 2 }],
      carrier: index === 0 ? null : 'sandbox',
      trackingNumber: index === 0 ? null : 'T-1',
      at: `2026-01-0${index + 1}T00:00:00.000Z`,
    }),
  )

const whole = async (id: string) => ({
  order: await findOrder(orders.database, id, null),
  timeline: (
    await orders.database.timelineEntry.findMany({ where: { orderId: id }, orderBy: { id: 'asc' } })
  ).map(({ kind, name, detail }) => [kind, name, detail]),
})

describe('orders-payments', () => {
  it('follows the payment, and tells each step', async () => {
    const { id } = await orders.place()
    const statuses: unknown[] = []
    for (const happened of paymentEvents(id)) {
      await deliver('orders-payments', happened)
      statuses.push((await findOrder(orders.database, id, null))?.payment.status)
    }
    expect(statuses).toEqual([
      'created',
      'authorized',
      'partially_captured',
      'captured',
      'partially_refunded',
      'refunded',
    ])
    const { order, timeline } = await whole(id)
    expect(order?.payment).toEqual({
      status: 'refunded',
      authorized: 100,
      captured: 100,
      refunded: 100,
      method: { brand: 'visa', last4: '4242' },
    })
    expect(timeline.slice(2).map(([kind]) => kind)).toEqual(Array.from({ length: 6 }, () => 'payment'))
  })

  it('tells who gave money back by hand, and how much', async () => {
    const { id } = await orders.place()
    const [created, , , , refund] = paymentEvents(id)
    await deliver('orders-payments', created!)
    const refundedBy = randomUUID()
    const payload = { ...refund!.payload, amount: 250, refundedBy } as EventPayload<'payment.refunded'>
    const told = event('payment.refunded', created!.aggregateId, 2, payload)
    await deliver('orders-payments', told)
    await deliver('orders-payments', told)
    const { timeline } = await whole(id)
    expect(timeline.filter(([kind]) => kind === 'operator')).toEqual([
      ['operator', 'refund', `${refundedBy}: 2.50 EUR`],
    ])
  })

  it('tells a decline by its code and the voiding of what was never captured', async () => {
    const { id } = await orders.place()
    const [created, authorized] = paymentEvents(id)
    const paymentId = created!.aggregateId
    await deliver('orders-payments', created!)
    const told = authorized!.payload as EventPayload<'payment.declined'>
    const refused = { ...told, authorized: 0, code: 'no_money' }
    await deliver('orders-payments', event('payment.declined', paymentId, 2, refused))
    const { order, timeline } = await whole(id)
    expect(order?.payment.status).toBe('failed')
    expect(timeline.at(-1)).toEqual(['payment', 'payment.declined', 'no_money'])
    const failed = { ...told, amount: 0, status: 'failed' } as typeof told
    await deliver('orders-payments', event('payment.voided', paymentId, 3, failed))
    expect((await whole(id)).timeline).toEqual(timeline) // the refusal has told it
    await deliver('orders-payments', event('payment.voided', paymentId, 4, { ...told, amount: 0 }))
    const after = await whole(id)
    expect(after.order?.payment.status).toBe('voided')
    expect(after.timeline.at(-1)).toEqual(['payment', 'payment.voided', null]) // no money was held
  })
})

describe('what payments say of themselves', () => {
  it('is believed', async () => {
    const { id } = await orders.place()
    const [created, authorized] = paymentEvents(id)
    const payload = {
      ...authorized!.payload,
      status: 'requires_action',
    } as EventPayload<'payment.authorized'>
    await deliver('orders-payments', created!)
    await deliver('orders-payments', event('payment.authorized', created!.aggregateId, 2, payload))
    expect((await whole(id)).order?.payment.status).toBe('requires_action')
  })

  it('puts a dispute before the operators, until it is won; one that is lost stays', async () => {
    const { id } = await orders.place()
    const [created, authorized] = paymentEvents(id)
    const paymentId = created!.aggregateId
    await deliver('orders-payments', created!)
    const attention: unknown[] = []
    for (const [index, code] of ['opened', 'won', 'opened', 'lost', 'won'].entries()) {
      const payload = { ...authorized!.payload, code } as EventPayload<'payment.disputed'>
      await deliver('orders-payments', event('payment.disputed', paymentId, index + 2, payload))
      const open = await orders.database.concern.count({ where: { orderId: id, settledAt: null } })
      attention.push([(await whole(id)).order?.needsAttention, open])
    }
    expect(attention).toEqual([
      [true, 1],
      [false, 0],
      [true, 1],
      [true, 2],
      [false, 0],
    ])
  })
})

describe('orders-shipments', () => {
  it('knows until when what was delivered may be returned', async () => {
    const { id } = await orders.place()
    for (const happened of shipmentEvents(id).slice(0, 3)) await deliver('orders-shipments', happened)
    const parcel = () => orders.database.orderShipment.findFirstOrThrow({ where: { orderId: id } })
    expect((await parcel()).returnableUntil).toBeNull()
    const [, , , delivered] = shipmentEvents(id, (await parcel()).id)
    await deliver('orders-shipments', delivered!)
    expect((await parcel()).returnableUntil).toEqual(new Date('2026-01-18T00:00:00.000Z')) // 14 days later
  })

  it('follows the parcel with its history', async () => {
    const { id } = await orders.place()
    for (const happened of shipmentEvents(id)) await deliver('orders-shipments', happened)
    const { order, timeline } = await whole(id)
    expect(order?.shipments).toMatchObject([
      { status: 'delivered', carrier: 'sandbox', trackingNumber: 'T-1' },
    ])
    expect(order?.shipments[0]?.history.map(({ status }) => status)).toEqual([
      'pending',
      'booked',
      'dispatched',
      'delivered',
    ])
    expect([order?.fulfilment.status, order?.lines[0]?.fulfilled]).toEqual(['delivered', 2])
    expect(timeline.at(-1)).toEqual(['parcel', 'shipment.delivered', 'AMS, T-1'])
  })
})

describe('orders-catalog', () => {
  it('keeps the catalog as it was announced last', async () => {
    const sku = 'NEW'
    const product = {
      sku,
      name: 'New',
      price: 100,
      currency: 'EUR',
      taxClass: 'standard',
      weightGrams: 1,
      active: true,
    } as const
    await deliver('orders-catalog', event('product.changed', sku, 1, product))
    await deliver(
      'orders-catalog',
      event('product.changed', sku, 2, { ...product, price: 200, active: false }),
    )
    const row = await orders.database.catalogProduct.findUniqueOrThrow({ where: { sku } })
    expect([row.price, row.active]).toEqual([200n, false])
  })
})

describe('orders-reservations', () => {
  it('tells what was reserved, and refused', async () => {
    const { id } = await orders.place()
    const lines = [{ warehouse: 'AMS', sku: 'TEE', quantity: 2 }]
    await deliver(
      'orders-reservations',
      event('reservation.held', id, 1, { orderId: id, lines, expiresAt: new Date().toISOString() }),
    )
    const { id: other } = await orders.place()
    await deliver(
      'orders-reservations',
      event('reservation.refused', other, 1, { orderId: other, skus: ['TEE', 'BOOK'] }),
    )
    expect((await whole(id)).timeline.at(-1)).toEqual(['event', 'reservation.held', '2 × TEE'])
    expect((await whole(other)).timeline.at(-1)).toEqual(['event', 'reservation.refused', 'TEE, BOOK'])
  })
})

describe('any order of arrival', () => {
  it.each([
    ['orders-payments', paymentEvents],
    ['orders-shipments', shipmentEvents],
  ] as const)('%s: duplicates change nothing', async (durable, eventsOf) => {
    const { id } = await orders.place()
    const events = eventsOf(id)
    for (const happened of events) await deliver(durable, happened)
    const before = await whole(id)
    for (const happened of [...events, ...events.toReversed()]) await deliver(durable, happened)
    // an old fact under a new event id: stale by its version
    await deliver(durable, { ...events[1]!, eventId: randomUUID() })
    expect(await whole(id)).toEqual(before)
  })

  it.each([
    ['orders-payments', paymentEvents],
    ['orders-shipments', shipmentEvents],
  ] as const)('%s: an early event is refused and changes nothing', async (durable, eventsOf) => {
    const { id } = await orders.place()
    const [first, second, third] = eventsOf(id)
    await deliver(durable, first!)
    const before = await whole(id)
    await expect(deliver(durable, third!)).rejects.toThrow(EventGapError)
    expect(await whole(id)).toEqual(before)
    await deliver(durable, second!)
    await deliver(durable, third!)
    expect((await whole(id)).timeline).toHaveLength(before.timeline.length + 2)
  })

  it('ends the same when all come at once, each three times, in the wrong order', async () => {
    const { id } = await orders.place()
    const events = paymentEvents(id)
    const untilApplied = async (happened: ReturnType<typeof event>): Promise<void> => {
      for (;;) {
        try {
          return await deliver('orders-payments', happened)
        } catch (error) {
          if (!(error instanceof EventGapError)) throw error
        }
      }
    }
    await Promise.all([...events.toReversed(), ...events, ...events].map(untilApplied))
    const { order, timeline } = await whole(id)
    expect(order?.payment.status).toBe('refunded')
    expect(timeline.slice(2).map(([, name]) => name)).toEqual(events.map(({ eventType }) => eventType))
  })
})
