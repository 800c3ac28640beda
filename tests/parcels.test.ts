import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Attention } from '#contracts/http/operations.ts'
import type { Order } from '#contracts/http/orders.ts'
import type { ApiClient } from '#stack/demo/client.ts'
import {
  goods,
  moneyAt,
  paymentRow,
  PATIENCE,
  shippingOf,
  twoParcels,
  untilParcels,
  type ParcelRow,
} from './support/parcels.ts'
import { reconcileUntil } from './support/reconcile.ts'
import { openShop, stockRows, type Shop } from './support/shop.ts'

let shop: Shop

beforeAll(async () => {
  shop = await openShop()
})

/** An operator tries again what an order asks for, if it still does. */
async function retry(orderId: string): Promise<void> {
  const operator = await shop.operator()
  await operator.post(`/api/v1/orders/${orderId}/operations`, {
    action: 'retry',
    note: 'the carrier is back',
  })
}

const cancel = (client: ApiClient, id: string) => client.post(`/api/v1/orders/${id}/cancel`)

describe('an order in two parcels', () => {
  it('captures each parcel’s share when it leaves, shipping with the first', async () => {
    const { customer, sku, placed, ams, lju } = await twoParcels(shop)
    expect(await moneyAt(shop, placed.id)).toEqual([['authorization', placed.total]])
    await shop.moveParcel(lju.tracking, 'dispatch')
    await vi.waitFor(async () => expect(await moneyAt(shop, placed.id)).toHaveLength(2), PATIENCE)
    await shop.moveParcel(ams.tracking, 'dispatch')
    await vi.waitFor(async () => expect(await moneyAt(shop, placed.id)).toHaveLength(3), PATIENCE)
    await shop.moveParcel(ams.tracking, 'deliver')
    await shop.moveParcel(lju.tracking, 'deliver')
    await shop.reaches(customer, placed.id, 'completed')
    expect(await moneyAt(shop, placed.id)).toEqual([
      ['authorization', placed.total],
      ['capture', goods(placed, 5, 8) + shippingOf(placed)],
      ['capture', goods(placed, 0, 5)],
    ])
    expect(await shop.carrierLedgerOf(ams.id)).toEqual(['booking', 'dispatched', 'delivered'])
    await shop.untilStock(sku, { AMS: 0, LJU: 2 })
    await shop.expectSound()
  })

  it('keeps what has left when it is cancelled, and undoes the rest', async () => {
    const { customer, sku, placed, ams, lju } = await twoParcels(shop)
    await shop.moveParcel(ams.tracking, 'dispatch')
    await untilParcels(shop, placed.id, ['AMS dispatched', 'LJU booked'])
    expect((await cancel(customer, placed.id)).status).toBe(202)
    await untilParcels(shop, placed.id, ['AMS dispatched', 'LJU cancelled'])
    await shop.reaches(customer, placed.id, 'fulfilling')
    expect(await cancel(customer, placed.id)).toMatchObject({
      status: 409,
      body: { code: 'order_not_cancellable' },
    })
    await shop.moveParcel(ams.tracking, 'deliver')
    expect((await shop.ends(customer, placed.id)).status).toBe('completed')
    await shop.shows(customer, placed.id, { needsAttention: false, lines: [{ fulfilled: 5 }] })
    const kept = goods(placed, 0, 5) + shippingOf(placed)
    expect(await shop.carrierLedgerOf(ams.id)).toEqual(['booking', 'dispatched', 'delivered'])
    expect(await shop.carrierLedgerOf(lju.id)).toEqual(['booking', 'cancelled'])
    const money = await moneyAt(shop, placed.id)
    expect(money.slice(0, 2)).toEqual([
      ['authorization', placed.total],
      ['capture', kept],
    ])
    expect(money.slice(2).map(([type]) => type)).toEqual(['void'])
    expect(await paymentRow(shop, placed.id)).toMatchObject({
      status: 'captured',
      captured: kept,
      refunded: 0,
    })
    await shop.untilStock(sku, { AMS: 0, LJU: 5 })
    await shop.expectSound()
  })

  it('asks an operator when the carrier cannot be told, who tries again when it can', async () => {
    const { customer, sku, placed, ams, lju } = await twoParcels(shop)
    await shop.carrierFault('/faults', { mode: 'down' })
    try {
      expect((await cancel(customer, placed.id)).status).toBe(202)
      await shop.needsAttention(placed.id)
      expect(await customer.readOrder(placed.id)).toMatchObject({
        status: 'cancelling',
        waitingFor: { what: 'operator' },
      })
      // nothing was given back that may still leave
      expect(await moneyAt(shop, placed.id)).toEqual([['authorization', placed.total]])
      expect((await shop.stockOf(sku)).map(({ committed }) => committed)).toEqual([5, 3])
    } finally {
      await shop.carrierFault('/faults/clear')
    }
    await vi.waitFor(async () => {
      // each parcel asks, one after the other
      const [order] = await shop.rows<{ status: string; attention: unknown }>(
        'orders',
        `SELECT status, attention FROM orders WHERE id = '${placed.id}'`,
      )
      if (order?.attention !== null) await retry(placed.id)
      expect(order?.status).toBe('cancelled')
    }, PATIENCE)
    for (const { id } of [ams, lju]) expect(await shop.carrierLedgerOf(id)).toEqual(['booking', 'cancelled'])
    expect((await moneyAt(shop, placed.id)).map(([type]) => type)).toEqual(['authorization', 'void'])
    expect(await shop.stockOf(sku)).toEqual(stockRows({ AMS: 5, LJU: 5 }))
    await shop.expectSound()
  })

  it('is cancelled as a whole while both parcels are there', async () => {
    const { customer, sku, placed, ams, lju } = await twoParcels(shop)
    expect((await cancel(customer, placed.id)).status).toBe(202)
    const order = await shop.ends(customer, placed.id)
    expect(order.status).toBe('cancelled')
    await untilParcels(shop, placed.id, ['AMS cancelled', 'LJU cancelled'])
    for (const { id } of [ams, lju]) expect(await shop.carrierLedgerOf(id)).toEqual(['booking', 'cancelled'])
    expect((await moneyAt(shop, placed.id)).map(([type]) => type)).toEqual(['authorization', 'void'])
    expect(await paymentRow(shop, placed.id)).toMatchObject({ status: 'voided', captured: 0 })
    expect(await shop.stockOf(sku)).toEqual(stockRows({ AMS: 5, LJU: 5 }))
    await shop.expectSound()
  })

  it.each([
    [0, 0],
    [0, 400],
    [80, 160],
    [160, 600],
  ])(
    'is charged for what the carrier takes %i ms and %i ms after a cancellation, and no more',
    async (...after) => {
      const { customer, sku, placed, ams, lju } = await twoParcels(shop)
      const dispatch = async ({ tracking }: ParcelRow, milliseconds: number) => {
        await sleep(milliseconds)
        // refused where the cancellation came first
        await shop.moveParcel(tracking, 'dispatch').catch(() => {})
      }
      const [answer] = await Promise.all([
        cancel(customer, placed.id),
        dispatch(ams, after[0]),
        dispatch(lju, after[1]),
      ])
      expect(answer.status).toBe(202)
      const left = new Map<string, boolean>()
      await vi.waitFor(async () => {
        for (const { id } of [ams, lju]) {
          const end = (await shop.carrierLedgerOf(id)).at(-1)
          expect(['dispatched', 'cancelled']).toContain(end)
          left.set(id, end === 'dispatched')
        }
      }, PATIENCE)
      for (const { id, tracking } of [ams, lju]) {
        if (left.get(id) === true) await shop.moveParcel(tracking, 'deliver')
      }
      const order = await shop.ends(customer, placed.id)
      const gone = (parcel: { id: string }) => left.get(parcel.id) === true
      expect(order.status).toBe(gone(ams) || gone(lju) ? 'completed' : 'cancelled')
      const due = (gone(ams) ? goods(placed, 0, 5) : 0) + (gone(lju) ? goods(placed, 5, 8) : 0)
      expect(await paymentRow(shop, placed.id)).toMatchObject({
        captured: due === 0 ? 0 : due + shippingOf(placed),
        refunded: 0,
      })
      await shop.untilStock(sku, { AMS: gone(ams) ? 0 : 5, LJU: gone(lju) ? 2 : 5 })
      await shop.expectSound()
    },
  )
})

describe('a parcel that left although it was cancelled', () => {
  it('is found by the reconciliation and put before an operator; its order stays cancelled', async () => {
    const { customer, placed, ams } = await twoParcels(shop)
    expect((await cancel(customer, placed.id)).status).toBe(202)
    await shop.reaches(customer, placed.id, 'cancelled')
    // what poll-bookings.ts writes when the carrier says so
    await shop.rows('shipping', `UPDATE shipments SET astray_since = now() WHERE id = '${ams.id}'`)
    const operator = await shop.operator()
    await reconcileUntil(shop.sources.temporal, async () => {
      const { data } = await operator.request<{ data: Attention[] }>('GET', '/api/v1/operations/attention')
      expect(data.filter(({ orderId }) => orderId === placed.id)).toMatchObject([
        { step: 'reconciliation', operation: 'parcel_astray', actions: ['resolve'] },
      ])
    })
    const resolved = await operator.command<Order>(`/api/v1/orders/${placed.id}/operations`, {
      action: 'resolve',
      note: 'the carrier brings it back',
    })
    expect(resolved).toMatchObject({ status: 'cancelled', needsAttention: false })
    await shop.expectSound()
  })
})
