import { beforeAll, expect, it, vi } from 'vitest'
import { orderWorkflowId } from '#contracts/workflows.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import { resetRun } from '#stack/demo/reset-run.ts'
import { reconcileUntil } from './support/reconcile.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})

const PATIENCE = { timeout: 40_000, interval: 200 }

const untilParcels = (orderId: string, ...statuses: string[]) =>
  vi.waitFor(async () => {
    const rows = await shop.rows<{ status: string; tracking: string }>(
      'orders',
      `SELECT status, tracking_number AS tracking FROM order_shipments
       WHERE order_id = '${orderId}' ORDER BY warehouse`,
    )
    expect(rows.map(({ status }) => status)).toEqual(statuses)
    return rows.map(({ tracking }) => tracking)
  }, PATIENCE)

const captures = async (orderId: string) =>
  (await shop.ledgerOf(orderId)).filter(({ type }) => type === 'capture').length

it('an order that was terminated, missed a parcel and is reset twice sells each parcel once', async () => {
  const customer = await shop.customer()
  const sku = await shop.product({ AMS: 5, LJU: 5 })
  const lines = [{ sku, quantity: 8 }]
  const { id } = await customer.placeOrder(orderOf({ lines, shippingAddress: BY_HAND_ADDRESS }))
  const [ams = '', lju = ''] = await untilParcels(id, 'booked', 'booked')
  const { temporal } = shop.sources
  await shop.until(customer, id, ({ status }) => status === 'fulfilling')

  await temporal.workflow.getHandle(orderWorkflowId(id)).terminate('by a test')
  await shop.moveParcel(ams, 'dispatch')
  await untilParcels(id, 'dispatched', 'booked')
  await shop.moveParcel(ams, 'deliver')
  await untilParcels(id, 'delivered', 'booked')
  await resetRun(temporal, orderWorkflowId(id), 'last')
  expect(await captures(id)).toBe(0)

  // a while later
  await shop.rows(
    'orders',
    `UPDATE order_shipments SET history = jsonb_set(history, '{-1,at}', '"2026-01-01T00:00:00Z"')
     WHERE order_id = '${id}'`,
  )
  await shop.rows(
    'orders',
    `UPDATE orders SET created_at = created_at - interval '1 hour' WHERE id = '${id}'`,
  )
  await reconcileUntil(temporal, async () => expect(await captures(id)).toBe(1))

  await resetRun(temporal, orderWorkflowId(id), 'first')
  await shop.moveParcel(lju, 'dispatch')
  await shop.moveParcel(lju, 'deliver')
  await shop.reaches(customer, id, 'completed')
  expect(await captures(id)).toBe(2)
  await shop.expectSound()
})
