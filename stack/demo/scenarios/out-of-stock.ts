import type { Scenario } from '../scenario.ts'
import { expectOrder, unpaid } from '../verdict.ts'

export const outOfStock: Scenario = {
  title: 'the chair is out of stock and the customer does not want to wait: nothing is charged',
  async play(stage) {
    const order = await stage.place({ lines: [{ sku: 'CHAIR-ASH', quantity: 1 }], onShortage: 'reject' })
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'rejected',
      reason: 'out_of_stock',
      parcels: [],
      money: unpaid('voided'),
    })
    await stage.expect('what the provider was asked', () => stage.outside.providerBooks(order.id), [])
  },
}
