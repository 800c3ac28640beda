import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import type { DatabaseName } from '#contracts/services.ts'
import { check } from '#stack/check/check.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'

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

/** Breaks a promise by hand, asks the checker, and mends it. */
async function findingsWhen(database: DatabaseName, breaking: string, mending: string) {
  const { target } = inject('stack')
  const url = new URL(target.superuserUrl)
  url.pathname = `/${database}`
  const client = new Client({ connectionString: url.href })
  await client.connect()
  try {
    await client.query(breaking)
    return await check(target, { patienceMs: 0 })
  } finally {
    await client.query(mending)
    await client.end()
  }
}

describe('the checker', () => {
  it('finds an answer that names no order', async () => {
    const nobody = randomUUID()
    const rename = (from: string, to: string) =>
      `UPDATE idempotency_keys SET body = jsonb_set(body, '{id}', '"${to}"') WHERE body->>'id' = '${from}'`
    const findings = await findingsWhen('orders', rename(orderId, nobody), rename(nobody, orderId))
    expect(findings.map(({ invariant }) => invariant)).toEqual([1])
  })

  it('finds stock that is still held for an order that has ended', async () => {
    const findings = await findingsWhen(
      'inventory',
      `UPDATE reservations SET status = 'committed' WHERE order_id = '${orderId}'`,
      `UPDATE reservations SET status = 'shipped' WHERE order_id = '${orderId}'`,
    )
    expect(findings).toContainEqual(expect.objectContaining({ invariant: 2, subject: `order ${orderId}` }))
  })

  it('finds money that the provider knows nothing of', async () => {
    const findings = await findingsWhen(
      'payments',
      `UPDATE payments SET captured = captured - 1 WHERE order_id = '${orderId}'`,
      `UPDATE payments SET captured = captured + 1 WHERE order_id = '${orderId}'`,
    )
    expect(findings).toEqual([
      expect.objectContaining({ invariant: 3, subject: `order ${orderId}` }),
      // and that the order was not paid whole
      expect.objectContaining({
        problem: expect.stringMatching(/^is completed and costs \d+, captured is \d+$/),
      }),
    ])
  })

  it('finds stock that came from nowhere', async () => {
    const findings = await findingsWhen(
      'inventory',
      `UPDATE stock SET on_hand = on_hand + 1 WHERE sku = '${sku}'`,
      `UPDATE stock SET on_hand = on_hand - 1 WHERE sku = '${sku}'`,
    )
    expect(findings).toEqual([expect.objectContaining({ invariant: 4, subject: `${sku} in AMS` })])
  })

  it('finds an event that never reached the stream', async () => {
    const findings = await findingsWhen(
      'shipping',
      `INSERT INTO outbox (event_id, aggregate_id, version, shard, type, payload, published_at)
       VALUES (gen_random_uuid(), 'lost', 1, 0, 'shipment.created', '{}', now())`,
      `DELETE FROM outbox WHERE aggregate_id = 'lost'`,
    )
    expect(findings).toEqual([expect.objectContaining({ invariant: 5, subject: 'shipment.created lost@1' })])
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
    const findings = await findingsWhen('orders', here(breaking), here(mending))
    expect(findings.map(({ invariant }) => invariant)).toEqual(invariants)
  })

  it('finds an order whose status its workflow and its events do not know', async () => {
    const findings = await findingsWhen(
      'orders',
      `UPDATE orders SET status = 'rejected' WHERE id = '${orderId}'`,
      `UPDATE orders SET status = 'completed' WHERE id = '${orderId}'`,
    )
    expect(new Set(findings.map(({ invariant }) => invariant))).toEqual(new Set([3, 6]))
  })
})
