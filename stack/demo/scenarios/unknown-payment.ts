import { formatMoney } from '#contracts/money.ts'
import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const unknownPayment: Scenario = {
  title: 'the provider charges but its answer is lost: it is asked, not charged again',
  async play(stage) {
    const sku = await stage.product('Teapot', { AMS: 5 })
    const order = await stage.place({
      lines: [{ sku, quantity: 1 }],
      paymentMethod: 'pm_sandbox_timeout_after_charge',
    })
    stage.print('the provider authorizes and says nothing; nobody knows until it is asked')
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: paid(order.placed.total),
    })
    const total = formatMoney(order.placed.total, 'EUR')
    await stage.expect("the provider's books", () => stage.outside.providerBooks(order.id), [
      `authorization ${total}`,
      `capture ${total}`,
    ])
  },
}
