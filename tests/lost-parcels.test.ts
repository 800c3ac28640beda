import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Order } from '#contracts/http/orders.ts'
import {
  goods,
  moneyAt,
  oneParcel,
  paymentRow,
  PATIENCE,
  twoParcels,
  untilParcels,
} from './support/parcels.ts'
import { openShop, type Shop } from './support/shop.ts'

let shop: Shop

beforeAll(async () => {
  shop = await openShop()
})

const refundByHand = async (orderId: string, amount: number) =>
  (await shop.operator()).command(`/api/v1/orders/${orderId}/refunds`, { amount, reason: 'it is late' })

/** An operator settles otherwise what an order asks. */
const resolve = async (orderId: string) =>
  (await shop.operator()).command<Order>(`/api/v1/orders/${orderId}/operations`, {
    action: 'resolve',
    note: 'in cash',
  })

/** Waits until an order asks an operator this. */
const isAsked = (orderId: string, operation: string) =>
  vi.waitFor(
    async () =>
      expect(
        await shop.rows(
          'orders',
          `SELECT attention->>'operation' AS operation FROM orders WHERE id = '${orderId}'`,
        ),
      ).toEqual([{ operation }]),
    PATIENCE,
  )

describe('a parcel that is lost', () => {
  it('gives the customer everything back', async () => {
    const { customer, sku, placed, parcel } = await oneParcel(shop)
    await shop.moveParcel(parcel.tracking, 'dispatch')
    await untilParcels(shop, placed.id, ['AMS dispatched'])
    await shop.moveParcel(parcel.tracking, 'lose')
    expect((await shop.ends(customer, placed.id)).status).toBe('completed')
    expect(await moneyAt(shop, placed.id)).toEqual([
      ['authorization', placed.total],
      ['capture', placed.total],
      ['refund', placed.total],
    ])
    expect(await paymentRow(shop, placed.id)).toMatchObject({
      status: 'refunded',
      captured: placed.total,
      refunded: placed.total,
    })
    await shop.untilStock(sku, { AMS: 3 })
    await shop.expectSound()
  })

  it.each([
    ['a part', 1],
    ['everything', 0],
  ])('gives back what is left where an operator has given %s back before', async (_what, left) => {
    const { customer, placed, parcel } = await oneParcel(shop)
    await shop.moveParcel(parcel.tracking, 'dispatch')
    await shop.until(customer, placed.id, ({ payment }) => payment.captured > 0)
    await refundByHand(placed.id, placed.total - left)
    await shop.moveParcel(parcel.tracking, 'lose')
    expect(await shop.ends(customer, placed.id)).toMatchObject({ status: 'completed', needsAttention: false })
    expect((await moneyAt(shop, placed.id)).slice(2)).toEqual([
      ['refund', placed.total - left],
      ...(left === 0 ? [] : [['refund', left]]),
    ])
    await shop.expectSound()
  })

  it('gives back what was left when it was lost, whatever is captured for another afterwards', async () => {
    const { customer, placed, ams, lju } = await twoParcels(shop)
    await shop.moveParcel(ams.tracking, 'dispatch')
    const { payment } = await shop.until(customer, placed.id, ({ payment: { captured } }) => captured > 0)
    await refundByHand(placed.id, 1_500)
    await shop.moveParcel(ams.tracking, 'lose')
    await vi.waitFor(async () => expect(await moneyAt(shop, placed.id)).toHaveLength(4), PATIENCE)
    await shop.moveParcel(lju.tracking, 'dispatch')
    await untilParcels(shop, placed.id, ['AMS lost', 'LJU dispatched'])
    await shop.moveParcel(lju.tracking, 'deliver')
    expect(await shop.ends(customer, placed.id)).toMatchObject({ status: 'completed', needsAttention: false })
    expect((await moneyAt(shop, placed.id)).slice(1)).toEqual([
      ['capture', payment.captured],
      ['refund', 1_500],
      ['refund', payment.captured - 1_500],
      ['capture', goods(placed, 5, 8)],
    ])
    await shop.expectSound()
  })

  it('is put before an operator where its money was collected otherwise: nothing goes back from here', async () => {
    const { customer, placed, parcel } = await oneParcel(shop, 'pm_sandbox_capture_fails')
    await shop.moveParcel(parcel.tracking, 'dispatch')
    await isAsked(placed.id, 'capture_failed')
    await resolve(placed.id)
    await shop.moveParcel(parcel.tracking, 'lose')
    await isAsked(placed.id, 'refundPayment')
    await resolve(placed.id)
    expect(await shop.ends(customer, placed.id)).toMatchObject({ status: 'completed', needsAttention: false })
    expect((await moneyAt(shop, placed.id)).filter(([type]) => type !== 'refusal')).toEqual([
      ['authorization', placed.total],
      ['void', placed.total],
    ])
    await shop.expectSound()
  })
})
