/** Orders whose parcels wait for somebody to move them, and what became of their money. */
import { expect, vi } from 'vitest'
import type { Order } from '#contracts/http/orders.ts'
import { shareOf } from '#contracts/money.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import { orderOf, type Shop } from './shop.ts'

export const PATIENCE = { timeout: 40_000, interval: 150 }

export interface ParcelRow {
  id: string
  warehouse: string
  status: string
  tracking: string
}

/** Read from the table, since polling the API would use the customer's limit up. */
const parcelsOf = (shop: Shop, orderId: string): Promise<ParcelRow[]> =>
  shop.rows<ParcelRow & Record<string, unknown>>(
    'shipping',
    `SELECT id, warehouse, status, tracking_number AS tracking FROM shipments
     WHERE order_id = '${orderId}' ORDER BY warehouse, created_at`,
  )

export const untilParcels = (shop: Shop, orderId: string, parcels: string[]): Promise<ParcelRow[]> =>
  vi.waitFor(async () => {
    const rows = await parcelsOf(shop, orderId)
    expect(rows.map(({ warehouse, status }) => `${warehouse} ${status}`)).toEqual(parcels)
    return rows
  }, PATIENCE)

/** Two of five, in one parcel. */
export async function oneParcel(shop: Shop, paymentMethod = 'pm_card_visa') {
  const customer = await shop.customer()
  const sku = await shop.product({ AMS: 5 })
  const placed = await customer.placeOrder(
    orderOf({ lines: [{ sku, quantity: 2 }], shippingAddress: BY_HAND_ADDRESS, paymentMethod }),
  )
  const [parcel] = await untilParcels(shop, placed.id, ['AMS booked'])
  return { customer, sku, placed, parcel: parcel! }
}

/** Eight of five and five. */
export async function twoParcels(shop: Shop) {
  const customer = await shop.customer()
  const sku = await shop.product({ AMS: 5, LJU: 5 })
  const placed = await customer.placeOrder(
    orderOf({ lines: [{ sku, quantity: 8 }], shippingAddress: BY_HAND_ADDRESS }),
  )
  const [ams, lju] = await untilParcels(shop, placed.id, ['AMS booked', 'LJU booked'])
  return { customer, sku, placed, ams: ams!, lju: lju! }
}

/** What units from…to of the order's only line cost with tax. */
export const goods = ({ lines: [line] }: Order, from: number, to: number): number =>
  shareOf(line!.total, line!.quantity, from, to) + shareOf(line!.tax, line!.quantity, from, to)

export const shippingOf = ({ shipping, tax, lines: [line] }: Order): number => shipping + tax - line!.tax

export const moneyAt = async (shop: Shop, orderId: string) =>
  (await shop.ledgerOf(orderId)).map(({ type, amount }) => [type, amount])

export const paymentRow = async (shop: Shop, orderId: string) =>
  (
    await shop.rows(
      'payments',
      `SELECT status, authorized::int, captured::int, refunded::int FROM payments WHERE order_id = '${orderId}'`,
    )
  )[0]
