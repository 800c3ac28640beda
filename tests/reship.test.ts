import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Shipment } from '#contracts/http/shipping.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import { startOwnStack } from './support/own-stack.ts'
import { orderOf, type Shop } from './support/shop.ts'

/** A stack of its own, whose policy is to send lost goods once more. */
let shop: Shop

beforeAll(async () => {
  ;({ shop } = await startOwnStack({ settings: { LOST_PARCEL: 'reship' } }))
})

interface ParcelRow extends Record<string, unknown> {
  id: string
  tracking: string
  replaces: string | null
}

/** The parcels of an order that have this status, once there are as many. */
const parcels = (orderId: string, status: string, count: number): Promise<ParcelRow[]> =>
  vi.waitFor(
    async () => {
      const rows = await shop.rows<ParcelRow>(
        'shipping',
        `SELECT id, tracking_number AS tracking, replaces FROM shipments
         WHERE order_id = '${orderId}' AND status = '${status}' ORDER BY warehouse`,
      )
      expect(rows).toHaveLength(count)
      return rows
    },
    { timeout: 40_000, interval: 100 },
  )

async function lose(orderId: string): Promise<ParcelRow> {
  const [parcel] = await parcels(orderId, 'booked', 1)
  await shop.moveParcel(parcel!.tracking, 'dispatch')
  await parcels(orderId, 'dispatched', 1)
  await shop.moveParcel(parcel!.tracking, 'lose')
  await parcels(orderId, 'lost', 1)
  return parcel!
}

async function deliver({ tracking }: ParcelRow): Promise<void> {
  await shop.moveParcel(tracking, 'dispatch')
  await shop.moveParcel(tracking, 'deliver')
}

/** Two units that wait for somebody to move them. */
async function orderTwo(stock: Record<string, number>) {
  const customer = await shop.customer()
  const sku = await shop.product(stock)
  const placed = await customer.placeOrder(
    orderOf({ lines: [{ sku, quantity: 2 }], shippingAddress: BY_HAND_ADDRESS }),
  )
  return { customer, sku, placed }
}

const moneyAt = async (orderId: string) =>
  (await shop.ledgerOf(orderId)).map(({ type, amount }) => [type, amount])

describe('a parcel that is lost, where lost goods are sent once more', () => {
  it('is replaced by another one that costs nothing', async () => {
    const { customer, sku, placed } = await orderTwo({ AMS: 5 })
    const lost = await lose(placed.id)
    const [replacement] = await parcels(placed.id, 'booked', 1)
    expect(replacement!.replaces).toBe(lost.id)
    await deliver(replacement!)
    const order = await shop.ends(customer, placed.id)
    expect(order).toMatchObject({ status: 'completed', needsAttention: false })
    expect(await moneyAt(placed.id)).toEqual([
      ['authorization', placed.total],
      ['capture', placed.total],
    ])
    await shop.untilStock(sku, { AMS: 1 })
    const seen = await customer.request<Shipment>('GET', `/api/v1/shipments/${replacement!.id}`)
    expect(seen).toMatchObject({ status: 'delivered', replaces: lost.id })
    await shop.expectSound()
  })

  it('is replaced by two where the goods are in two places', async () => {
    const { customer, sku, placed } = await orderTwo({ AMS: 2, LJU: 1 })
    const [first] = await parcels(placed.id, 'booked', 1)
    await shop.moveParcel(first!.tracking, 'dispatch')
    await shop.untilStock(sku, { AMS: 0, LJU: 1 })
    const operator = await shop.operator()
    await operator.command(`/api/v1/stock/${sku}/adjustments`, {
      warehouse: 'AMS',
      delta: 1,
      reason: 'one came in',
    })
    await shop.moveParcel(first!.tracking, 'lose')
    const replacements = await parcels(placed.id, 'booked', 2)
    expect(replacements.map(({ replaces }) => replaces)).toEqual([first!.id, first!.id])
    for (const replacement of replacements) await deliver(replacement)
    expect(await shop.ends(customer, placed.id)).toMatchObject({ status: 'completed' })
    expect((await moneyAt(placed.id)).map(([type]) => type)).toEqual(['authorization', 'capture'])
    await shop.untilStock(sku, { AMS: 0, LJU: 0 })
    await shop.expectSound()
  })

  it('is paid back where there is nothing to send', async () => {
    const { customer, sku, placed } = await orderTwo({ AMS: 2 })
    await lose(placed.id)
    expect(await shop.ends(customer, placed.id)).toMatchObject({ status: 'completed' })
    expect(await moneyAt(placed.id)).toEqual([
      ['authorization', placed.total],
      ['capture', placed.total],
      ['refund', placed.total],
    ])
    await shop.untilStock(sku, { AMS: 0 })
    await shop.expectSound()
  })
})
