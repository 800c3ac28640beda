import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const split: Scenario = {
  title: 'no warehouse has enough: two parcels, each paid when it leaves, together exactly the total',
  async play(stage) {
    const sku = await stage.product('Desk lamp', { AMS: 5, LJU: 5 })
    const order = await stage.place({ lines: [{ sku, quantity: 8 }] })
    const { total } = order.placed
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered', 'LJU delivered'],
      money: paid(total),
    })
    const captures = async () =>
      (await stage.outside.providerBooks(order.id)).filter(({ type }) => type === 'capture')
    await stage.expect('captures at the provider', async () => (await captures()).length, 2)
    await stage.expect(
      'their sum',
      async () => (await captures()).reduce((sum, { amount = 0 }) => sum + amount, 0),
      total,
    )
    await stage.expect('the stock', () => stage.stockOf(sku), [
      'AMS 0, held 0, committed 0',
      'LJU 2, held 0, committed 0',
    ])
  },
}
