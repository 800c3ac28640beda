import { formatMoney } from '#contracts/money.ts'
import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const shortage: Scenario = {
  title: 'there are five of eight: the customer is asked and takes what there is, for less',
  async play(stage) {
    const sku = await stage.product('Desk lamp', { AMS: 5 })
    const order = await stage.place({ lines: [{ sku, quantity: 8 }], onShortage: 'ask' })
    await order.until(
      'asked about the shortage',
      ({ waitingFor }) => waitingFor?.what === 'shortage_decision',
    )
    await order.act('customer', 'decides: ship what there is', () =>
      stage.customer.command(`/api/v1/orders/${order.id}/decisions`, { decision: 'ship_available' }),
    )
    const { lines, subtotal, shipping, tax, total } = await order.end()
    await stage.expect('what is sold', () => lines.map(({ quantity, name }) => `${quantity} × ${name}`), [
      '5 × Desk lamp',
    ])
    await stage.expect(
      'what it costs',
      () => formatMoney(subtotal + shipping + tax, 'EUR'),
      formatMoney(total, 'EUR'),
    )
    await stage.expect('less than was ordered', () => total < order.placed.total, true)
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: paid(total),
    })
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 0, held 0, committed 0'])
  },
}
