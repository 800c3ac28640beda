import { describe, expect, it, vi } from 'vitest'
import { shipmentWorkflowId } from '#contracts/workflows.ts'
import { openSaga, PATIENCE_MS } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls, start, deliver } = saga

describe('the shipment', () => {
  it('refuses a report that its state does not allow', async () => {
    const handle = await start()
    await vi.waitFor(() => expect(saga.shipmentIds.size).toBe(1), PATIENCE_MS)
    const [id = ''] = saga.shipmentIds
    const shipment = saga.client.workflow.getHandle(shipmentWorkflowId(id))
    const at = new Date().toISOString()
    const early = shipment.executeUpdate('report', { args: [{ status: 'delivered', at, source: 'courier' }] })
    await expect(early).rejects.toMatchObject({ cause: { type: 'shipment_transition_refused' } })
    await deliver()
    await handle.result()
  })

  it('takes the same report once when two scans race', async () => {
    const handle = await start()
    await vi.waitFor(() => expect(saga.shipmentIds.size).toBe(1), PATIENCE_MS)
    const [id = ''] = saga.shipmentIds
    const shipment = saga.client.workflow.getHandle(shipmentWorkflowId(id))
    const at = new Date().toISOString()
    const scan = (source: string) =>
      shipment.executeUpdate('report', { args: [{ status: 'dispatched', at, source }] })
    const scans = await Promise.allSettled([scan('courier'), scan('carrier')])
    expect(scans.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await shipment.executeUpdate('report', { args: [{ status: 'delivered', at, source: 'courier' }] })
    await handle.result()
    expect(calls.filter((call) => call.startsWith('recordParcel'))).toEqual([
      'recordParcel:dispatched',
      'recordParcel:delivered',
    ])
  })
})
