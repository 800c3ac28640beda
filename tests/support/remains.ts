/** What is left of an order in every service's rows and in the provider's own books. */
import { readProviderBooks, type ProviderMoney } from '#stack/check/provider-books.ts'
import type { Remains } from './failure-matrix.ts'
import type { Shop } from './shop.ts'

/** @param sku the only product of the order, which nobody else orders, in one warehouse */
export async function readRemains(
  { rows, stockOf, sources }: Shop,
  { orderId, sku }: { orderId: string; sku: string },
): Promise<Remains> {
  const [[order], [shipped], [stock], [screened], ledger] = await Promise.all([
    rows<{ status: string }>('orders', `SELECT status FROM orders WHERE id = '${orderId}'`),
    rows<{ units: number }>(
      'inventory',
      `SELECT coalesce(sum(shipped), 0)::int AS units FROM reservation_lines WHERE reservation_id = '${orderId}'`,
    ),
    stockOf(sku),
    rows<{ amount: string }>(
      'users',
      `SELECT amount FROM screenings WHERE order_id = '${orderId}' AND status IN ('cleared', 'spent')
       ORDER BY request DESC LIMIT 1`,
    ),
    sources.providerLedger(),
  ])
  const books = [...readProviderBooks(ledger).values()].filter((each) => each.orderId === orderId)
  const sum = (figure: (each: ProviderMoney) => number) => books.reduce((all, each) => all + figure(each), 0)
  const { on_hand: onHand, held, committed } = stock!
  return {
    status: order!.status,
    stock: { available: onHand - held - committed, held, committed, shipped: shipped!.units },
    money: {
      authorized: sum(({ authorized, captured, released }) => authorized - captured - released),
      captured: sum(({ captured, refunded }) => captured - refunded),
    },
    spent: Number(screened?.amount ?? 0),
  }
}
