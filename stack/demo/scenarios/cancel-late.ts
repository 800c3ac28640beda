import type { Order } from '#contracts/http/orders.ts'
import { shareOf } from '#contracts/money.ts'
import { BY_HAND_ADDRESS } from '../addresses.ts'
import type { Scenario } from '../scenario.ts'
import { expectOrder } from '../verdict.ts'

const parcelFrom = (order: Order, warehouse: string) =>
  order.shipments.find((shipment) => shipment.warehouse === warehouse)

export const cancelLate: Scenario = {
  title: 'cancelled when one of two parcels has left: that one stays and is paid, the other costs nothing',
  async play(stage) {
    const sku = await stage.product('Desk lamp', { AMS: 5, LJU: 5 })
    const order = await stage.place({ lines: [{ sku, quantity: 8 }], shippingAddress: BY_HAND_ADDRESS })
    const booked = await order.until(
      'booked in two parcels',
      ({ shipments }) => shipments.length === 2 && shipments.every(({ status }) => status === 'booked'),
    )
    const first = parcelFrom(booked, 'AMS')?.trackingNumber ?? ''
    await order.act('carrier', 'takes the parcel in Amsterdam', () =>
      stage.outside.moveParcel(first, 'dispatch'),
    )
    await order.until('partly on its way', (now) => parcelFrom(now, 'AMS')?.status === 'dispatched')
    await order.act('customer', 'changes their mind', () =>
      stage.customer.command(`/api/v1/orders/${order.id}/cancel`, { reason: 'too many lamps' }),
    )
    await order.until(
      'going on with what has left',
      (now) => parcelFrom(now, 'LJU')?.status === 'cancelled' && now.status === 'fulfilling',
    )
    await order.act('carrier', 'delivers it', () => stage.outside.moveParcel(first, 'deliver'))
    await order.end()
    const captured = shareOfFirst(order.placed, 5)
    await expectOrder(stage, order.id, {
      status: 'completed',
      parcels: ['AMS delivered', 'LJU cancelled'],
      money: { status: 'captured', authorized: order.placed.total, captured, refunded: 0 },
    })
    await stage.expect('the stock', () => stage.stockOf(sku), [
      'AMS 0, held 0, committed 0',
      'LJU 5, held 0, committed 0',
    ])
  },
}

/** What the first units of an order with one line cost, with the shipping, which the first parcel carries. */
function shareOfFirst({ lines: [line], shipping, tax }: Order, units: number): number {
  if (line === undefined) throw new Error('the order has no line')
  const goods = shareOf(line.total, line.quantity, 0, units) + shareOf(line.tax, line.quantity, 0, units)
  return goods + shipping + (tax - line.tax)
}
