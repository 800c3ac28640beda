import { randomUUID } from 'node:crypto'
import { jetstream, type StoredMsg } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { Client } from 'pg'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { EVENT_STREAM, subjectOf } from '#contracts/events.ts'
import type { DatabaseName } from '#contracts/services.ts'
import { check } from '#stack/check/check.ts'
import type { Finding } from '#stack/check/findings.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'
import { ourStack } from './support/test-stack.ts'

let shop: Shop
let orderId: string
let sku: string

beforeAll(async () => {
  shop = await openShop()
  const customer = await shop.customer()
  sku = await shop.product({ AMS: 5 })
  orderId = (await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 1 }] }))).id
  await shop.reaches(customer, orderId, 'completed')
  await shop.expectSound()
})

const PATIENCE = { timeout: 40_000, interval: 500 }

/** Waits until the checker finds exactly that; what else is under way may look broken for a moment. */
const finds = (expected: (findings: Finding[]) => void): Promise<void> =>
  vi.waitFor(async () => expected(await check(ourStack().target, { patienceMs: 0 })), PATIENCE)

/** Breaks a promise by hand, waits until the checker finds that, and mends it. */
async function findsWhen(
  database: DatabaseName,
  [breaking, mending]: [breaking: string, mending: string],
  expected: (findings: Finding[]) => void,
) {
  const { target } = ourStack()
  const url = new URL(target.superuserUrl)
  url.pathname = `/${database}`
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    await client.query(breaking)
    await finds(expected)
  } finally {
    await client.query(mending)
    await client.end()
  }
}

/** The order's second event as the stream has it, and the way to the stream. */
async function reservingEvent() {
  const { natsUrl, nats } = ourStack().target
  const connection = await connect({ servers: natsUrl, user: nats.user, pass: nats.password })
  onTestFinished(() => connection.close())
  // not sent again where the answer is late: it would come twice
  const client = jetstream(connection, { timeout: 30_000 })
  const manager = await client.jetstreamManager()
  const subject = subjectOf('order.reserving', orderId)
  const message = (await manager.streams.getMessage(EVENT_STREAM, { last_by_subj: subject }))!
  return { client, manager, message }
}

describe('the checker', () => {
  it('finds an answer that names no order', async () => {
    const nobody = randomUUID()
    const rename = (from: string, to: string) =>
      `UPDATE idempotency_keys SET body = jsonb_set(body, '{id}', '"${to}"') WHERE body->>'id' = '${from}'`
    await findsWhen('orders', [rename(orderId, nobody), rename(nobody, orderId)], (findings) =>
      expect(findings.map(({ invariant }) => invariant)).toEqual([1]),
    )
  })

  it('finds stock that is still held for an order that has ended', async () => {
    await findsWhen(
      'inventory',
      [
        `UPDATE reservations SET status = 'committed' WHERE order_id = '${orderId}'`,
        `UPDATE reservations SET status = 'shipped' WHERE order_id = '${orderId}'`,
      ],
      (findings) =>
        expect(findings).toContainEqual(
          expect.objectContaining({ invariant: 2, subject: `order ${orderId}` }),
        ),
    )
  })

  it('finds money that the provider knows nothing of', async () => {
    await findsWhen(
      'payments',
      [
        `UPDATE payments SET captured = captured - 1 WHERE order_id = '${orderId}'`,
        `UPDATE payments SET captured = captured + 1 WHERE order_id = '${orderId}'`,
      ],
      (findings) =>
        expect(findings).toEqual([
          expect.objectContaining({ invariant: 3, subject: `order ${orderId}` }),
          // and that the order was not paid whole
          expect.objectContaining({
            problem: expect.stringMatching(/^is completed and costs \d+, captured is \d+$/),
          }),
        ]),
    )
  })

  it('finds stock that came from nowhere', async () => {
    await findsWhen(
      'inventory',
      [
        `UPDATE stock SET on_hand = on_hand + 1 WHERE sku = '${sku}'`,
        `UPDATE stock SET on_hand = on_hand - 1 WHERE sku = '${sku}'`,
      ],
      (findings) =>
        expect(findings).toEqual([expect.objectContaining({ invariant: 4, subject: `${sku} in AMS` })]),
    )
  })

  it('finds an event that never reached the stream', async () => {
    await findsWhen(
      'shipping',
      [
        `INSERT INTO outbox (event_id, aggregate_id, version, shard, type, payload, published_at)
         VALUES (gen_random_uuid(), 'lost', 1, 0, 'shipment.created', '{}', now())`,
        `DELETE FROM outbox WHERE aggregate_id = 'lost'`,
      ],
      (findings) =>
        expect(findings).toEqual([
          expect.objectContaining({ invariant: 5, subject: 'shipment.created lost@1' }),
        ]),
    )
  })

  it('takes an event that was sent again, long after it had been published, for the lost one', async () => {
    const { manager, client, message } = await reservingEvent()
    await manager.streams.deleteMessage(EVENT_STREAM, message.seq)
    const here = `aggregate_id = '${orderId}' AND version = 2`
    await finds((lost) =>
      expect(new Set(lost.map(({ subject }) => subject))).toEqual(
        new Set([`order ${orderId}`, `order.reserving ${orderId}@2`]),
      ),
    )
    // as if it had been published only now, however long this file runs already
    await shop.rows('orders', `UPDATE outbox SET published_at = now() WHERE ${here}`)
    // without a message id, which the broker still remembers
    await client.publish(message.subject, message.data)
    await finds((tooSoon) =>
      expect(tooSoon).toEqual([expect.objectContaining({ invariant: 5, subject: `order ${orderId}` })]),
    )
    await shop.rows(
      'orders',
      `UPDATE outbox SET published_at = published_at - interval '3 minutes' WHERE ${here}`,
    )
    await finds((findings) => expect(findings).toEqual([]))
  })

  it('finds an erasure that its consumer was never given, though nothing waits at the broker', async () => {
    const { manager, client } = await reservingEvent()
    const consumer = 'orders-erasure'
    const { config } = await manager.consumers.info(EVENT_STREAM, consumer)
    const follow = (filter_subjects: string[]) =>
      manager.consumers.update(EVENT_STREAM, consumer, { filter_subjects })
    let erased: StoredMsg | undefined
    await follow(['evt.shipping.none.>'])
    try {
      const customer = await shop.customer()
      const { body: me } = await customer.send<{ id: string }>('GET', '/api/v1/users/me')
      expect((await customer.send('DELETE', '/api/v1/users/me')).status).toBe(204)
      const last_by_subj = subjectOf('user.erased', me.id)
      erased = await vi.waitFor(async () => {
        const found = await manager.streams.getMessage(EVENT_STREAM, { last_by_subj })
        expect(found).not.toBeNull()
        return found!
      }, PATIENCE)
      const { num_pending: pending, num_ack_pending: unacknowledged } = await manager.consumers.info(
        EVENT_STREAM,
        consumer,
      )
      expect([pending, unacknowledged]).toEqual([0, 0])
      // once everybody else has applied what the new customer did
      await finds((findings) =>
        expect(findings).toEqual([
          {
            invariant: 5,
            subject: `${consumer} ${me.id}`,
            problem: expect.stringMatching(/^has not applied user\.erased@\d+$/),
          },
        ]),
      )
    } finally {
      await follow(config.filter_subjects!)
      // without a message id, which the broker still remembers
      if (erased !== undefined) await client.publish(erased.subject, erased.data)
    }
    await shop.expectSound()
  })

  it('finds events that no outbox has: the same version twice, or of something that nobody knows', async () => {
    const { manager, client, message } = await reservingEvent()
    const event = message.json<object>()
    for (const change of [{}, { aggregateId: randomUUID(), version: 1 }]) {
      const forged = { ...event, eventId: randomUUID(), ...change }
      const { seq } = await client.publish(message.subject, JSON.stringify(forged))
      try {
        await finds((findings) =>
          expect(findings).toEqual([
            expect.objectContaining({
              invariant: 5,
              problem: `message ${seq} of the stream is in no outbox`,
            }),
          ]),
        )
      } finally {
        await manager.streams.deleteMessage(EVENT_STREAM, seq)
      }
    }
  })

  it.each([
    [
      'lines that do not sum to their order',
      `UPDATE order_lines SET tax = tax + 1 WHERE order_id = '$id'`,
      `UPDATE order_lines SET tax = tax - 1 WHERE order_id = '$id'`,
      [3],
    ],
    [
      'an amendment that outlives its order, with its address',
      `INSERT INTO amendments (id, order_id, shipping_address) VALUES (gen_random_uuid(), '$id', '{}')`,
      `DELETE FROM amendments WHERE order_id = '$id'`,
      [2],
    ],
    [
      'an address that outlives its amendment',
      `INSERT INTO amendments (id, order_id, status, shipping_address) VALUES (gen_random_uuid(), '$id', 'refused', '{}')`,
      `DELETE FROM amendments WHERE order_id = '$id'`,
      [2],
    ],
    [
      'a return of more than was delivered, of which nobody has heard',
      `WITH made AS (INSERT INTO returns (id, order_id, customer_id, status, started_at)
         SELECT gen_random_uuid(), id, customer_id, 'requested', now() FROM orders WHERE id = '$id' RETURNING id)
       INSERT INTO return_lines (return_id, position, sku, quantity, reason) SELECT id, 0, '$sku', 2, 'r' FROM made`,
      `WITH gone AS (DELETE FROM return_lines WHERE return_id IN (SELECT id FROM returns WHERE order_id = '$id'))
       DELETE FROM returns WHERE order_id = '$id'`,
      [3, 6],
    ],
    [
      'a lost parcel that nobody paid back',
      `INSERT INTO lost_parcels (shipment_id, order_id, goods, shipping) VALUES (gen_random_uuid(), '$id', 5, 0)`,
      `DELETE FROM lost_parcels WHERE order_id = '$id'`,
      [3],
    ],
  ])('finds %s', async (_what, breaking, mending, invariants) => {
    const here = (sql: string) => sql.replaceAll('$id', orderId).replaceAll('$sku', sku)
    await findsWhen('orders', [here(breaking), here(mending)], (findings) =>
      expect(findings.map(({ invariant }) => invariant)).toEqual(invariants),
    )
  })

  it('finds an order whose status its workflow and its events do not know', async () => {
    await findsWhen(
      'orders',
      [
        `UPDATE orders SET status = 'rejected' WHERE id = '${orderId}'`,
        `UPDATE orders SET status = 'completed' WHERE id = '${orderId}'`,
      ],
      (findings) => expect(new Set(findings.map(({ invariant }) => invariant))).toEqual(new Set([3, 6])),
    )
  })
})
