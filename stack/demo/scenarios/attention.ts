import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const attention: Scenario = {
  title: 'the parcel has left and its money is refused: an operator mends it and tries again',
  async play(stage) {
    const sku = await stage.product('Clock', { AMS: 5 })
    const order = await stage.place({
      lines: [{ sku, quantity: 1 }],
      paymentMethod: 'pm_sandbox_capture_fails',
    })
    const waiting = await order.until('waiting for an operator', ({ needsAttention }) => needsAttention)
    await stage.expect('it waits for', () => waiting.waitingFor?.what, 'operator')
    await order.act('provider', 'is mended', () => stage.outside.mendProvider())
    await order.act('operator', 'tries the capture again', () =>
      stage.operator.command(`/api/v1/orders/${order.id}/operations`, {
        action: 'retry',
        note: 'the provider is mended',
      }),
    )
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: paid(order.placed.total),
    })
    const { needsAttention } = await stage.customer.readOrder(order.id)
    await stage.expect('it needs attention', () => needsAttention, false)
  },
}
