import type { Order } from '#contracts/http/orders.ts'
import { formatMoney, shareOf } from '#contracts/money.ts'
import { BY_HAND_ADDRESS } from '../addresses.ts'
import type { Scenario } from '../scenario.ts'
import { expectOrder, paid } from '../verdict.ts'

export const split: Scenario = {
  title: 'no warehouse has enough: two parcels, each paid when it leaves, together exactly the total',
  async play(stage) {
    const sku = await stage.product('Desk lamp', { AMS: 5, LJU: 5 })
    const order = await stage.place({ lines: [{ sku, quantity: 8 }], shippingAddress: BY_HAND_ADDRESS })
    const { total } = order.placed
    const { shipments } = await order.until(
      'booked in two parcels',
      (now) => now.shipments.length === 2 && now.shipments.every(({ status }) => status === 'booked'),
    )
    const trackingNumberIn = (place: string): string =>
      shipments.find(({ warehouse }) => warehouse === place)?.trackingNumber ?? ''
    const [ams, lju] = [trackingNumberIn('AMS'), trackingNumberIn('LJU')]
    await order.act('carrier', 'takes three lamps in Ljubljana', () =>
      stage.outside.moveParcel(lju, 'dispatch'),
    )
    await order.until('paid in part', ({ payment }) => payment.captured > 0)
    await order.act('carrier', 'takes five lamps in Amsterdam', () =>
      stage.outside.moveParcel(ams, 'dispatch'),
    )
    await order.until('paid', ({ payment }) => payment.captured === total)
    await order.act('carrier', 'delivers both', async () => {
      await stage.outside.moveParcel(ams, 'deliver')
      await stage.outside.moveParcel(lju, 'deliver')
    })
    await order.end()
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered', 'LJU delivered'],
      money: paid(total),
    })
    const five = shareOfFirstFive(order.placed)
    await stage.expect("the provider's books", () => stage.outside.providerBooks(order.id), [
      `authorization ${formatMoney(total, 'EUR')}`,
      `capture ${formatMoney(total - five, 'EUR')}`,
      `capture ${formatMoney(five, 'EUR')}`,
    ])
    await stage.expect('the stock', () => stage.stockOf(sku), [
      'AMS 0, held 0, committed 0',
      'LJU 2, held 0, committed 0',
    ])
  },
}

/** The shipping went with the parcel that left first, the other one. */
function shareOfFirstFive({ lines: [line] }: Order): number {
  if (line === undefined) throw new Error('the order has no line')
  return shareOf(line.total, line.quantity, 0, 5) + shareOf(line.tax, line.quantity, 0, 5)
}
