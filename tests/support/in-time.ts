/** What has to come while an order's payment is slow, on a machine that may pause for longer than that payment takes. */
import { expect, vi } from 'vitest'
import type { Shop } from './shop.ts'

const TRIES = 5

/** Whether an order has got there, wherever it is by now. */
export async function hasBeen(
  shop: Shop,
  orderId: string,
  at: 'authorizing' | 'confirmed',
): Promise<boolean> {
  const sql = `SELECT 1 FROM outbox WHERE aggregate_id = '${orderId}' AND type = 'order.${at}'`
  return (await shop.rows('orders', sql)).length > 0
}

/** Waits until an order's payment is under way, or was. */
export const paymentBegins = (shop: Shop, orderId: string): Promise<void> =>
  vi.waitFor(async () => expect(await hasBeen(shop, orderId, 'authorizing')).toBe(true), {
    timeout: 40_000,
    interval: 100,
  })

/**
 * Asks something of a new order while its payment is slow: `ask` places one, and returns it with the answer. Where the
 * order was confirmed by then that moment had gone by, and another one is asked; after a few, the last is returned as it is.
 */
export async function inTime<Asked extends { id: string }>(
  shop: Shop,
  ask: () => Promise<Asked>,
): Promise<Asked> {
  for (let tries = 1; ; tries += 1) {
    const asked = await ask()
    if (tries === TRIES || !(await hasBeen(shop, asked.id, 'confirmed'))) return asked
  }
}
