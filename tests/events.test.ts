import { connect } from '@nats-io/transport-node'
import { jetstream } from '@nats-io/jetstream'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { eventsUnderWay } from './support/events-under-way.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'
import { ourStack } from './support/test-stack.ts'

let shop: Shop

const PATIENCE = { timeout: 40_000, interval: 200 }

beforeAll(async () => {
  shop = await openShop()
})

/** Everything that events have brought about for one order, in every database that follows events. */
async function stateOf(orderId: string, sku: string) {
  const own = `order_id = '${orderId}'`
  return {
    payment: await shop.rows('orders', `SELECT * FROM order_payments WHERE ${own}`),
    shipments: await shop.rows('orders', `SELECT * FROM order_shipments WHERE ${own}`),
    timeline: await shop.rows('orders', `SELECT * FROM timeline_entries WHERE ${own} ORDER BY id`),
    catalog: await shop.rows('orders', `SELECT * FROM catalog_products WHERE sku = '${sku}'`),
    reservation: await shop.rows('inventory', `SELECT * FROM reservations WHERE ${own}`),
    movements: await shop.rows(
      'inventory',
      `SELECT * FROM stock_movements WHERE sku = '${sku}' ORDER BY created_at`,
    ),
    stock: await shop.stockOf(sku),
    screening: await shop.rows('users', `SELECT * FROM screenings WHERE ${own}`),
  }
}

/** The messages of the stream that have to do with one order, as they are. */
async function messagesOf(orderId: string, sku: string) {
  const { target } = ourStack()
  const connection = await connect({
    servers: target.natsUrl,
    user: target.nats.user,
    pass: target.nats.password,
  })
  // not sent again where the answer is late: it would come twice
  const client = jetstream(connection, { timeout: 30_000 })
  const consumer = await client.consumers.get('EVENTS')
  const { num_pending: count } = await consumer.info()
  const found: { subject: string; data: Uint8Array }[] = []
  let seen = 0
  for await (const message of await consumer.consume()) {
    seen += 1
    const text = new TextDecoder().decode(message.data)
    if (text.includes(orderId) || message.subject.endsWith(sku))
      found.push({ subject: message.subject, data: message.data })
    if (seen >= count) break
  }
  return { connection, client, messages: found }
}

/** Waits until every event is published and every durable consumer has dealt with it. */
async function consumersAreIdle(): Promise<void> {
  await vi.waitFor(async () => expect(await eventsUnderWay(shop, ourStack().target)).toBe(0), PATIENCE)
}

describe('events', () => {
  it.each([
    ['again', (messages: { subject: string; data: Uint8Array }[]) => messages],
    ['again in reverse', (messages: { subject: string; data: Uint8Array }[]) => messages.toReversed()],
  ])('that come %s change nothing', async (_how, arrange) => {
    const customer = await shop.customer()
    const sku = await shop.product({ AMS: 9 })
    const { id } = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 4 }] }))
    await shop.reaches(customer, id, 'completed')
    await consumersAreIdle()
    const me = await customer.send<{ email: string }>('GET', '/api/v1/users/me')
    const mails = await vi.waitFor(async () => {
      const subjects = await shop.mailsTo(me.body.email)
      expect(subjects).toHaveLength(4)
      return subjects
    }, PATIENCE)
    const before = await stateOf(id, sku)
    expect(before.stock).toEqual([{ warehouse: 'AMS', on_hand: 5, held: 0, committed: 0 }])

    const { connection, client, messages } = await messagesOf(id, sku)
    expect(messages.length).toBeGreaterThanOrEqual(17)
    // without a message id, so that the stream's own duplicate window does not help
    for (const { subject, data } of arrange(messages)) await client.publish(subject, data)
    await connection.close()
    await consumersAreIdle()

    expect(await stateOf(id, sku)).toEqual(before)
    expect(await shop.mailsTo(me.body.email)).toEqual(mails)
  })

  it('that nobody understands go to the dead letters and hold up nothing', async () => {
    const { target } = ourStack()
    const connection = await connect({
      servers: target.natsUrl,
      user: target.nats.user,
      pass: target.nats.password,
    })
    const client = jetstream(connection, { timeout: 30_000 })
    const manager = await client.jetstreamManager()
    onTestFinished(async () => {
      await manager.streams.purge('EVENTS', { filter: 'evt.payments.payment.captured.nonsense' })
      await connection.close()
    })
    await client.publish('evt.payments.payment.captured.nonsense', 'not an event')
    // every consumer that follows payments writes one of its own
    await vi.waitFor(async () => {
      const letter = await manager.streams.getMessage('DEAD_LETTERS', {
        last_by_subj: 'dlq.orders.orders-payments',
      })
      expect(String(letter?.header.get('Mainstay-Error'))).toContain('is not JSON')
    }, PATIENCE)
    const customer = await shop.customer()
    const { id } = await customer.placeOrder(orderOf())
    await shop.reaches(customer, id, 'completed')
  })
})
