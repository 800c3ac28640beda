import { formatMoney } from '#contracts/money.ts'
import { DEMO_ADDRESS } from '../addresses.ts'
import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const amend: Scenario = {
  title: 'the customer wants one more, sent elsewhere: stock and money follow, all or nothing',
  async play(stage) {
    const sku = await stage.product('Bookshelf', { AMS: 5 })
    const change = {
      lines: [{ sku, quantity: 3 }],
      shippingAddress: { ...DEMO_ADDRESS, line1: 'Keizersgracht 2' },
    }
    const { total } = await stage.customer.request<{ total: number }>('POST', '/api/v1/quotes', {
      body: change,
    })
    const order = await stage.place({ lines: [{ sku, quantity: 2 }] })
    // at once: there are only moments between the confirmation and the parcel
    order.say('customer', 'wants three instead of two, at another address')
    await stage.customer.command(`/api/v1/orders/${order.id}/amendments`, change)
    const ended = await order.end()
    await stage.expect(
      'what is sold',
      () => ended.lines.map(({ quantity, name }) => `${quantity} × ${name}`),
      ['3 × Bookshelf'],
    )
    await stage.expect('where it goes', () => ended.shippingAddress.line1, change.shippingAddress.line1)
    await stage.expect(
      'it costs what was quoted',
      () => formatMoney(ended.total, 'EUR'),
      formatMoney(total, 'EUR'),
    )
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: paid(total),
    })
    const [before, after] = [formatMoney(order.placed.total, 'EUR'), formatMoney(total, 'EUR')]
    await stage.expect("the provider's books", () => stage.outside.providerBooks(order.id), [
      `authorization ${before}`,
      `authorization ${after}`,
      `void ${before}`,
      `capture ${after}`,
    ])
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 2, held 0, committed 0'])
  },
}
