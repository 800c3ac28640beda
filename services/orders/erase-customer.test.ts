import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createSettleConcern, raiseConcern, resolveConcerns } from './concerns.ts'
import { erasureConsumer } from './erase-customer.ts'
import { createRecordProgress } from './record-progress.ts'
import { createRecordReturn } from './returns/record-return.ts'
import { addToTimeline } from './timeline.ts'

let orders: TestOrders

beforeAll(async () => {
  orders = await testOrders()
})

const erased = (userId: string) =>
  erasureConsumer(orders.transact).handle({
    eventId: randomUUID(),
    eventType: 'user.erased',
    aggregateId: userId,
    timestamp: new Date().toISOString(),
    version: 2,
    payload: { userId },
  })

const reject = (orderId: string) =>
  createRecordProgress(orders.transact)({
    orderId,
    status: 'rejected',
    reason: { code: 'declined', message: 'no money' },
    steps: [],
  })

const REASON = { code: 'cancelled', message: 'I am Jane Doe' }
const cancel = async (orderId: string, ...statuses: ('cancelling' | 'cancelled')[]) => {
  for (const status of statuses)
    await createRecordProgress(orders.transact)({ orderId, status, reason: REASON, steps: [] })
}

/** Everything that is stored about the order, as text. */
async function everythingAbout(orderId: string): Promise<string> {
  const { database } = orders
  const where = { where: { orderId } }
  return JSON.stringify(
    await Promise.all([
      database.order.findUnique({
        where: { id: orderId },
        select: { reasonCode: true, reasonMessage: true, shippingAddress: true },
      }),
      database.timelineEntry.findMany({ ...where, select: { name: true, detail: true } }),
      database.return.findMany({ ...where, select: { reason: true, lines: { select: { reason: true } } } }),
      database.concern.findMany({ ...where, select: { note: true, settledBy: true } }),
      database.amendment.findMany({ ...where, select: { shippingAddress: true } }),
      database.idempotencyKey
        .findMany({ select: { body: true } })
        .then((keys) =>
          keys.map(({ body }) => JSON.stringify(body)).filter((body) => body.includes(orderId)),
        ),
    ]),
  )
}

/** What somebody was answered for a key. */
const storeAnswer = (body: object) =>
  orders.database.idempotencyKey.create({
    data: {
      caller: randomUUID(),
      key: 'k',
      fingerprint: 'f',
      token: randomUUID(),
      leaseUntil: new Date(),
      expiresAt: new Date(),
      status: 202,
      body,
    },
  })

/** A return of one shirt, rejected with these words. */
async function rejectReturn(orderId: string, customerId: string): Promise<() => Promise<unknown>> {
  const returnId = randomUUID()
  await orders.database.return.create({
    data: {
      id: returnId,
      orderId,
      customerId,
      status: 'requested',
      lines: { create: { position: 0, sku: 'TEE', quantity: 1, reason: 'Jane Doe is too tall for it' } },
    },
  })
  await storeAnswer({
    id: returnId,
    orderId,
    lines: [{ sku: 'TEE', quantity: 1, reason: 'Jane Doe is too tall for it' }],
  })
  return () =>
    createRecordReturn(orders.transact)({ returnId, status: 'rejected', reason: 'Jane Doe has worn it' })
}

/** An operator notes how a concern was settled. */
const note = (orderId: string) =>
  orders.transact(async (tx) => {
    const source = 'shipment:1:overdue'
    await raiseConcern(tx, { orderId, source, step: 'ship', operation: 'deliver', error: 'late' })
    await resolveConcerns(tx, { orderId, by: 'operator-7', note: 'Told Jane Doe: wait', sources: [source] })
  })

/** A return's question is answered; its workflow settles it, as what it has seen to by itself. */
async function answer(orderId: string) {
  const notes = { refund: 'retry by operator-7: Told Jane Doe: wait', restock: 'It was done.' }
  for (const [operation, words] of Object.entries(notes)) {
    const source = `return:1:${operation}`
    await orders.transact((tx) =>
      raiseConcern(tx, { orderId, source, step: 'return', operation, error: 'refused' }),
    )
    await createSettleConcern(orders.transact)({ orderId, source, note: words })
  }
}

/** Until somebody waits for what another has locked. */
async function untilOneWaits(): Promise<void> {
  for (;;) {
    const waiting = await orders.database.$queryRaw<unknown[]>`
      SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    if (waiting.length > 0) return
  }
}

const addressOf = async (id: string) =>
  (await orders.database.order.findUniqueOrThrow({ where: { id } })).shippingAddress

const ANONYMOUS = { name: 'erased', line1: 'erased', city: 'erased', postalCode: 'erased', country: 'NL' }

describe('an erased customer', () => {
  it('leaves no address in orders that have ended, and no stored answer', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    await reject(id)
    await erased(customerId)
    expect(await addressOf(id)).toEqual(ANONYMOUS)
    expect(await orders.database.idempotencyKey.count({ where: { caller: customerId } })).toBe(0)
  })

  it('keeps the address of an order that still has to be sent, until it ends', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    await erased(customerId)
    expect(await addressOf(id)).toMatchObject({ country: 'NL', line1: 'Keizersgracht 1' })
    await reject(id)
    expect(await addressOf(id)).toEqual(ANONYMOUS)
  })

  it('is not found in what anybody wrote or was answered about orders that have ended', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    await cancel(id, 'cancelling', 'cancelled')
    await (
      await rejectReturn(id, customerId)
    )()
    await note(id)
    await answer(id)
    await orders.database.amendment.create({
      data: { id: randomUUID(), orderId: id, shippingAddress: { name: 'Jane Doe' } },
    })
    await storeAnswer({ id, reason: REASON })
    expect((await everythingAbout(id)).split('Jane Doe')).toHaveLength(14)
    await erased(customerId)
    const left = await everythingAbout(id)
    expect(left).not.toContain('Jane Doe')
    expect(left).not.toContain('Keizersgracht')
    expect(left).toContain('{"name":"order.cancelled","detail":"erased"}')
    expect(left).toContain('{"name":"resolve","detail":"operator-7: erased"}')
    expect(left).toContain('{"name":"order.attention_cleared","detail":"retry by operator-7: erased"}')
    expect(left).toContain('{"note":"retry by operator-7: erased","settledBy":"system"}')
    expect(left).toContain('{"name":"order.attention_cleared","detail":"It was done."}')
    expect(left).toContain('{"note":"It was done.","settledBy":"system"}')
    expect(left).toContain('"reasonCode":"cancelled","reasonMessage":"erased"')
  })

  it('is not found in what is written afterwards either, once it has come to its end', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    await cancel(id, 'cancelling')
    await erased(customerId)
    await storeAnswer({ id, customerId, shippingAddress: { line1: 'Keizersgracht 1' } })
    await cancel(id, 'cancelled')
    expect(await everythingAbout(id)).not.toMatch(/Jane Doe|Keizersgracht/)
    await (
      await rejectReturn(id, customerId)
    )()
    expect(await everythingAbout(id)).not.toContain('Jane Doe')
    await note(id)
    expect(await everythingAbout(id)).not.toContain('Jane Doe')
    await answer(id)
    expect(await everythingAbout(id)).not.toContain('Jane Doe')
  })

  it('is not found in an order that ends in the very moment', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    let erasing: Promise<void> | undefined
    await orders.transact(async (tx) => {
      await createRecordProgress((work) => work(tx))({
        orderId: id,
        status: 'cancelling',
        reason: REASON,
        steps: [],
      })
      await createRecordProgress((work) => work(tx))({
        orderId: id,
        status: 'cancelled',
        reason: REASON,
        steps: [],
      })
      erasing = erased(customerId)
      await untilOneWaits()
    })
    await erasing
    expect(await everythingAbout(id)).not.toMatch(/Jane Doe|Keizersgracht/)
  })

  it('leaves what the platform itself has said', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    await orders.transact((tx) =>
      addToTimeline(tx, id, [
        { kind: 'operator', name: 'refund', status: 'done', detail: 'operator-7: €5.00', source: 's' },
      ]),
    )
    await reject(id)
    await erased(customerId)
    expect(await everythingAbout(id)).toContain('{"name":"refund","detail":"operator-7: €5.00"}')
    expect((await orders.database.order.findUniqueOrThrow({ where: { id } })).reasonMessage).toBe('no money')
  })

  it('changes nothing for anybody else', async () => {
    const { id } = await orders.place()
    await cancel(id, 'cancelling', 'cancelled')
    await note(id)
    const before = await everythingAbout(id)
    await erased(randomUUID())
    expect(await everythingAbout(id)).toBe(before)
  })
})
