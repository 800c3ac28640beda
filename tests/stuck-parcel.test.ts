import { beforeAll, expect, it, vi } from 'vitest'
import type { Attention } from '#contracts/http/operations.ts'
import { orderWorkflowId, shipmentWorkflowId } from '#contracts/workflows.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import { resetRun } from '#stack/demo/reset-run.ts'
import { reconcileUntil } from './support/reconcile.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})

it('a parcel that its order has only joined, and whose workflow was ended by hand, is put before the operators', async () => {
  const [customer, operator] = [await shop.customer(), await shop.operator()]
  const sku = await shop.product({ AMS: 1 })
  const lines = [{ sku, quantity: 1 }]
  const { id } = await customer.placeOrder(orderOf({ lines, shippingAddress: BY_HAND_ADDRESS }))
  const { shipments } = await shop.until(
    customer,
    id,
    ({ status, shipments: [parcel] }) => status === 'fulfilling' && parcel?.status === 'booked',
  )
  const [parcel] = shipments
  const { temporal } = shop.sources
  const workflow = temporal.workflow.getHandle(shipmentWorkflowId(parcel!.id))

  await resetRun(temporal, orderWorkflowId(id), 'first')
  const joined = async () => {
    const { events } = await workflow.fetchHistory()
    expect(
      events?.some((event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'tellOfEnd'),
    ).toBe(true)
  }
  await vi.waitFor(joined, { timeout: 40_000, interval: 200 })
  await workflow.terminate('by a test')

  const asked = async () => {
    const { data } = await operator.request<{ data: Attention[] }>('GET', '/api/v1/operations/attention')
    return data.filter(({ orderId }) => orderId === id)
  }
  await reconcileUntil(temporal, async () =>
    expect(await asked()).toMatchObject([
      {
        operation: 'parcel_stuck',
        error: `parcel ${parcel!.id} is booked and its workflow has ended`,
        actions: ['resolve'],
      },
    ]),
  )

  await resetRun(temporal, workflow.workflowId, 'last')
  await shop.moveParcel(parcel!.trackingNumber ?? '', 'dispatch')
  await shop.moveParcel(parcel!.trackingNumber ?? '', 'deliver')
  const { total } = await shop.reaches(customer, id, 'completed')
  await shop.shows(customer, id, { payment: { captured: total } })
  await reconcileUntil(temporal, async () => expect(await asked()).toEqual([]))
  await shop.expectSound()
})
