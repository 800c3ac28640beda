import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const backorder: Scenario = {
  title: 'there is nothing in stock: the order waits for a delivery and goes on by itself when it comes',
  async play(stage) {
    const sku = await stage.product('Armchair', {})
    const order = await stage.place({ lines: [{ sku, quantity: 3 }], onShortage: 'backorder' })
    await order.until('waiting for stock', ({ waitingFor }) => waitingFor?.what === 'stock')
    await order.act('operator', 'takes in a delivery of four', () => stage.receive(sku, 'AMS', 4))
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: paid(order.placed.total),
    })
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 1, held 0, committed 0'])
  },
}
