import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { failing, openSaga, waiting } from '#tests/support/saga.ts'

const saga = openSaga()

/** What NeedsAttention was set to, in order. */
async function attention(handle: WorkflowHandle): Promise<unknown[]> {
  return (await saga.history(handle)).flatMap(({ upsertWorkflowSearchAttributesEventAttributes: upsert }) => {
    const data = upsert?.searchAttributes?.indexedFields?.['NeedsAttention']?.data
    return data ? [JSON.parse(Buffer.from(data).toString())] : []
  })
}

describe('NeedsAttention', () => {
  it('is set on an overdue parcel until it turns up', async () => {
    const handle = await saga.start({ policy: waiting({ deliverySeconds: 1 }) })
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await saga.called('raiseConcern')
    expect(await attention(parcel!)).toEqual([true])
    await saga.report(parcel!, 'delivered')
    await handle.result()
    expect(await attention(parcel!)).toEqual([true, false])
  })

  it('is not set on a parcel that is in time', async () => {
    const handle = await saga.start()
    const [parcel] = await saga.parcels()
    await saga.deliver()
    await handle.result()
    expect(await attention(parcel!)).toEqual([])
  })

  it('is set on a return while any question of it is open', async () => {
    saga.answers.restock = failing('away')
    const handle = await saga.startReturn({
      policy: { stepAttempts: 1, compensationAttempts: 1, maximumIntervalSeconds: 1 },
      refundOn: 'approval',
      arrivalSeconds: 1,
    })
    await saga.update(handle, 'approve', { by: 'op' })
    await saga.called('raiseConcern')
    expect(await attention(handle)).toEqual([true])
    const receiving = saga.update(handle, 'receive', { by: 'op', warehouse: 'AMS', disposition: 'restock' })
    await saga.called('raiseConcern', 2)
    expect(await attention(handle)).toEqual([true, false, true])
    await saga.update(handle, 'operate', { action: 'resolve', by: 'op', note: 'by hand' })
    await receiving
    await handle.result()
    expect(await attention(handle)).toEqual([true, false, true, false])
  })
})
