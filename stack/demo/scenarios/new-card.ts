import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const newCard: Scenario = {
  title: 'the card is declined: the customer gives another one and the order goes on',
  async play(stage) {
    const sku = await stage.product('Kettle', { AMS: 5 })
    const order = await stage.place({
      lines: [{ sku, quantity: 2 }],
      paymentMethod: 'pm_card_visa_chargeDeclined',
    })
    await order.until('waiting for another card', ({ waitingFor }) => waitingFor?.what === 'payment_method')
    await order.act('customer', 'gives another card', () =>
      stage.customer.command(`/api/v1/orders/${order.id}/payment-method`, {
        paymentMethod: 'pm_card_mastercard',
      }),
    )
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: paid(order.placed.total),
    })
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 3, held 0, committed 0'])
  },
}
