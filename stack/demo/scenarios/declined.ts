import { formatMoney } from '#contracts/money.ts'
import type { Scenario } from '../scenario.ts'
import { expectOrder, unpaid } from '../verdict.ts'

const CARDS = ['pm_card_visa_chargeDeclinedInsufficientFunds', 'pm_card_visa_chargeDeclined']

export const declined: Scenario = {
  title: 'three cards are declined, one after the other: the saga undoes what it did',
  async play(stage) {
    const sku = await stage.product('Kettle', { AMS: 5 })
    const order = await stage.place({
      lines: [{ sku, quantity: 3 }],
      paymentMethod: 'pm_card_visa_chargeDeclined',
    })
    for (const paymentMethod of CARDS) {
      const { version } = await order.until(
        'waiting for another card',
        ({ waitingFor }) => waitingFor?.what === 'payment_method',
      )
      await order.act('customer', `tries ${paymentMethod}`, () =>
        stage.customer.command(`/api/v1/orders/${order.id}/payment-method`, { paymentMethod }),
      )
      await order.until('going on', (now) => now.version > version)
    }
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'rejected',
      reason: 'declined',
      parcels: [],
      money: unpaid('failed'),
    })
    const refused = `authorization declined ${formatMoney(order.placed.total, 'EUR')}`
    await stage.expect("the provider's books", () => stage.outside.providerBooks(order.id), [
      refused,
      refused,
      refused,
    ])
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 5, held 0, committed 0'])
  },
}
