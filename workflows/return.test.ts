import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { returnWorkflowId, type ReturnInput, type ReturnResult } from '#contracts/workflows.ts'
import { failing, openSaga } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

type Handle = WorkflowHandle<(input: ReturnInput) => Promise<ReturnResult>>

function start(change: Partial<ReturnInput> = {}): Promise<Handle> {
  const returnId = randomUUID()
  return saga.client.workflow.start<(input: ReturnInput) => Promise<ReturnResult>>('return', {
    workflowId: returnWorkflowId(returnId),
    taskQueue: 'orders',
    args: [
      {
        returnId,
        orderId: randomUUID(),
        customerId: randomUUID(),
        number: 'M-1',
        currency: 'EUR',
        lines: [{ sku: 'MUG-WHITE', quantity: 1 }],
        policy: { stepAttempts: 2, compensationAttempts: 2, maximumIntervalSeconds: 1 },
        refundOn: 'receipt',
        arrivalSeconds: 600,
        ...change,
      },
    ],
  })
}

const approve = (handle: Handle) => saga.update(handle, 'approve', { by: 'op' })
const receive = (handle: Handle, disposition = 'restock') =>
  saga.update(handle, 'receive', { by: 'op', warehouse: 'AMS', disposition })
const cancel = (handle: Handle) => saga.update(handle, 'cancel', { by: 'customer' })

const refused = { cause: { type: 'return_transition_refused' } }

describe('a return', () => {
  it('is approved, received, put on the shelf and paid back', async () => {
    const handle = await start()
    expect(await approve(handle)).toBe('approved')
    expect(await receive(handle)).toBe('received')
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 1000 })
    expect(calls).toEqual([
      'recordReturn:approved',
      'recordReturn:received',
      'restock',
      'refundPayment',
      'recordReturn:refunded',
    ])
    const [{ returnId } = { returnId: '' }] = saga.asks('recordReturn')
    expect(saga.asks('refundPayment')).toMatchObject([{ refundId: returnId, amount: 1000, reason: 'return' }])
    expect(saga.asks('restock')).toMatchObject([{ returnId, warehouse: 'AMS', disposition: 'restock' }])
  })

  it('is paid back with its approval where that is the policy, and once', async () => {
    const handle = await start({ refundOn: 'approval' })
    await approve(handle)
    await saga.called('refundPayment')
    await expect(cancel(handle)).rejects.toMatchObject(refused)
    await receive(handle, 'write_off')
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 1000 })
    expect(saga.asks('refundPayment')).toHaveLength(1)
    expect(saga.asks('restock')).toMatchObject([{ disposition: 'write_off' }])
  })

  it('ends when it is rejected or cancelled, and moves neither goods nor money', async () => {
    const rejected = await start()
    expect(await saga.update(rejected, 'reject', { by: 'op', reason: 'worn' })).toBe('rejected')
    expect(await rejected.result()).toMatchObject({ status: 'rejected', refunded: 0 })
    expect(saga.asks('recordReturn')).toMatchObject([{ status: 'rejected', reason: 'worn' }])

    const cancelled = await start()
    await approve(cancelled)
    await cancel(cancelled)
    expect(await cancelled.result()).toMatchObject({ status: 'cancelled', refunded: 0 })
    expect(calls).not.toContain('restock')
    expect(calls).not.toContain('refundPayment')
  })

  it('refuses what its state does not allow, and leaves no trace of it', async () => {
    const handle = await start()
    await expect(receive(handle)).rejects.toMatchObject(refused)
    await approve(handle)
    await expect(approve(handle)).rejects.toMatchObject(refused)
    await expect(saga.update(handle, 'reject', { by: 'op', reason: null })).rejects.toMatchObject(refused)
    await expect(
      saga.update(handle, 'operate', { action: 'retry', by: 'op', note: '' }),
    ).rejects.toMatchObject({
      cause: { type: 'no_operation_waiting' },
    })
    await cancel(handle)
    await handle.result()
    const { events } = await handle.fetchHistory()
    expect(events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toHaveLength(2)
  })

  it('takes one of two answers that race', async () => {
    const handle = await start()
    const answers = await Promise.allSettled([
      approve(handle),
      saga.update(handle, 'reject', { by: 'op', reason: null }),
    ])
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    if (answers[0].status === 'fulfilled') await cancel(handle)
    await handle.result()
    expect(calls).not.toContain('refundPayment')
  })

  it('is cancelled when it does not arrive', async () => {
    const handle = await start({ arrivalSeconds: 1 })
    await approve(handle)
    expect(await handle.result()).toMatchObject({ status: 'cancelled', refunded: 0 })
    expect(saga.asks('recordReturn').at(-1)).toMatchObject({ status: 'cancelled' })
  })

  it('is an operator’s when it is paid back and does not arrive, until it does', async () => {
    const handle = await start({ refundOn: 'approval', arrivalSeconds: 1 })
    await approve(handle)
    await saga.called('raiseConcern')
    expect(saga.asks('raiseConcern')).toMatchObject([{ operation: 'return_overdue' }])
    await receive(handle)
    expect(await handle.result()).toMatchObject({ status: 'refunded' })
    expect(calls).toContain('settleConcern')
  })

  it('goes on after an operator when the refund is refused, and pays once', async () => {
    let disputed = true
    saga.answers.refundPayment = async ({ amount }) =>
      disputed ? { outcome: 'refused', code: 'disputed' } : { outcome: 'refunded', amount }
    const handle = await start()
    await approve(handle)
    await receive(handle)
    await saga.called('raiseConcern')
    expect(await handle.query('status')).toBe('received')
    disputed = false
    await saga.update(handle, 'operate', { action: 'retry', by: 'op', note: 'won' })
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 1000 })
    expect(saga.asks('settleConcern')).toMatchObject([{ note: 'retry by op: won' }])
  })

  it('ends without a refund of ours when an operator has paid otherwise', async () => {
    saga.answers.refundPayment = failing('the provider is away')
    const handle = await start()
    await approve(handle)
    await receive(handle)
    await saga.called('raiseConcern')
    await saga.update(handle, 'operate', { action: 'resolve', by: 'op', note: 'by bank transfer' })
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 0 })
  })
})
