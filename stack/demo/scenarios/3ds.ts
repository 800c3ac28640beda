import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const threeDSecure: Scenario = {
  title: 'the bank wants the customer to approve the payment: the order waits, then goes on (3-D Secure)',
  async play(stage) {
    const sku = await stage.product('Radio', { AMS: 5 })
    const order = await stage.place({
      lines: [{ sku, quantity: 1 }],
      paymentMethod: 'pm_card_authenticationRequired',
    })
    const { waitingFor } = await order.until(
      'waiting for the approval',
      ({ waitingFor: waiting }) => waiting?.what === 'payment_action',
    )
    const page = waitingFor?.url ?? ''
    await order.act('customer', `approves at ${page}`, () => stage.outside.answerBank(page, 'approve'))
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: paid(order.placed.total),
    })
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 4, held 0, committed 0'])
  },
}
