/** The final figures of an order: its status, its parcels and its money, as the API says them. */
import type { Order } from '#contracts/http/orders.ts'
import { formatMoney } from '#contracts/money.ts'
import type { OrderStatus, PaymentStatus } from '#contracts/states.ts'
import type { Stage } from './stage.ts'

export interface Verdict {
  status: OrderStatus
  /** The code of the reason, of an order that did not go through. */
  reason?: string
  /** `AMS delivered`, sorted. */
  parcels: string[]
  money: { status: PaymentStatus; authorized: number; captured: number; refunded: number }
}

/** Expects all of it on the stage. */
export async function expectOrder(stage: Stage, orderId: string, verdict: Verdict): Promise<void> {
  const read = (): Promise<Order> => stage.customer.readOrder(orderId)
  const { currency } = await read()
  const inWords = ({ status, authorized, captured, refunded }: Verdict['money']): string[] => [
    status,
    `authorized ${formatMoney(authorized, currency)}`,
    `captured ${formatMoney(captured, currency)}`,
    `refunded ${formatMoney(refunded, currency)}`,
  ]
  await stage.expect('the order', async () => (await read()).status, verdict.status)
  if (verdict.reason !== undefined) {
    await stage.expect('why', async () => (await read()).statusReason?.code, verdict.reason)
  }
  await stage.expect(
    'its parcels',
    async () => (await read()).shipments.map(({ warehouse, status }) => `${warehouse} ${status}`).toSorted(),
    verdict.parcels,
  )
  await stage.expect('its money', async () => inWords((await read()).payment), inWords(verdict.money))
}

/** All of it was captured, and nothing given back. */
export const paid = (total: number): Verdict['money'] => ({
  status: 'captured',
  authorized: total,
  captured: total,
  refunded: 0,
})

export const unpaid = (status: PaymentStatus): Verdict['money'] => ({
  status,
  authorized: 0,
  captured: 0,
  refunded: 0,
})
