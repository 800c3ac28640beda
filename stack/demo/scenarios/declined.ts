import type { Scenario } from '../scenario.ts'
import { expectOrder, unpaid } from '../verdict.ts'

export const declined: Scenario = {
  title: 'the card is declined: the saga undoes what it did',
  async play(stage) {
    const sku = await stage.product('Kettle', { AMS: 5 })
    const order = await stage.place({
      lines: [{ sku, quantity: 3 }],
      paymentMethod: 'pm_card_visa_chargeDeclined',
    })
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'rejected',
      reason: 'declined',
      parcels: [],
      money: unpaid('failed'),
    })
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 5, held 0, committed 0'])
  },
}
