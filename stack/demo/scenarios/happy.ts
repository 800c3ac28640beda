import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const happy: Scenario = {
  title: 'an order goes through: reserved, paid, shipped in one parcel',
  async play(stage) {
    const order = await stage.place({
      lines: [
        { sku: 'TEE-BLACK-M', quantity: 2 },
        { sku: 'MUG-WHITE', quantity: 1 },
      ],
    })
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered'],
      money: paid(order.placed.total),
    })
  },
}
