import type { Return } from '#contracts/http/returns.ts'
import { formatMoney, shareOf } from '#contracts/money.ts'
import type { Scenario } from '../scenario.ts'
import { expectOrder } from '../verdict.ts'

export const returned: Scenario = {
  title: 'two of three come back: approved, received, put on the shelf again, and paid back',
  async play(stage) {
    const sku = await stage.product('Jacket', { AMS: 5 })
    const order = await stage.place({ lines: [{ sku, quantity: 3 }] })
    const { total } = order.placed
    const ended = await order.end()
    const [line] = ended.lines
    if (line === undefined) throw new Error('the order has no line')
    const refunded = shareOf(line.total, 3, 0, 2) + shareOf(line.tax, 3, 0, 2)
    const { id } = await order.act('customer', 'returns two of them', () =>
      stage.customer.command<Return>(`/api/v1/orders/${order.id}/returns`, {
        lines: [{ sku, quantity: 2, reason: 'too small' }],
      }),
    )
    await order.act('operator', 'approves', () => stage.operator.command(`/api/v1/returns/${id}/approve`, {}))
    const readReturn = () => stage.customer.request<Return>('GET', `/api/v1/returns/${id}`)
    await stage.expect('the return', async () => (await readReturn()).status, 'approved')
    await order.act('operator', 'has received them in Amsterdam', () =>
      stage.operator.command(`/api/v1/returns/${id}/receive`, { warehouse: 'AMS', disposition: 'restock' }),
    )
    await order.until('refunded', (now) => now.payment.refunded > 0)
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: { status: 'partially_refunded', authorized: total, captured: total, refunded },
    })
    await stage.expect('the return', async () => (await readReturn()).status, 'refunded')
    await stage.expect("the provider's books", () => stage.outside.providerBooks(order.id), [
      `authorization ${formatMoney(total, 'EUR')}`,
      `capture ${formatMoney(total, 'EUR')}`,
      `refund ${formatMoney(refunded, 'EUR')}`,
    ])
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 4, held 0, committed 0'])
  },
}
