import { BY_HAND_ADDRESS } from '../addresses.ts'
import type { Scenario } from '../scenario.ts'
import { expectOrder } from '../verdict.ts'

export const lost: Scenario = {
  title: 'the carrier loses the parcel: the customer gets everything back',
  async play(stage) {
    const sku = await stage.product('Vase', { AMS: 5 })
    const order = await stage.place({ lines: [{ sku, quantity: 1 }], shippingAddress: BY_HAND_ADDRESS })
    const { total } = order.placed
    const { shipments } = await order.until('booked', (now) => now.shipments[0]?.status === 'booked')
    const trackingNumber = shipments[0]?.trackingNumber ?? ''
    await order.act('carrier', 'takes the parcel', () => stage.outside.moveParcel(trackingNumber, 'dispatch'))
    await order.until('on its way and paid', (now) => now.payment.captured === total)
    await order.act('carrier', 'loses it', () => stage.outside.moveParcel(trackingNumber, 'lose'))
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS lost'],
      money: { status: 'refunded', authorized: total, captured: total, refunded: total },
    })
    await stage.expect('the stock', () => stage.stockOf(sku), ['AMS 4, held 0, committed 0'])
  },
}
