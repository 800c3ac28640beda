import { describe, expect, it } from 'vitest'
import { failing, isAcceptance, openSaga, type ReturnHandle } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls, startReturn: start } = saga

const approve = (handle: ReturnHandle) => saga.update(handle, 'approve', { by: 'op' })
const receive = (handle: ReturnHandle, disposition = 'restock') =>
  saga.update(handle, 'receive', { by: 'op', warehouse: 'AMS', disposition })
const cancel = (handle: ReturnHandle) => saga.update(handle, 'cancel', { by: 'customer' })

const refused = { cause: { type: 'return_transition_refused' } }

describe('a return', () => {
  it('is approved, received, put on the shelf and paid back', async () => {
    saga.answers.recordReturn = async ({ pays }) => ({ amount: pays ? 1000 : 900, shipping: pays ? 100 : 0 })
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
    expect(saga.asks('recordReturn').map(({ pays }) => pays)).toEqual([undefined, true, undefined])
    const [approved] = saga.asks('recordReturn')
    expect(Date.parse(approved!.until!) - Date.now()).toBeGreaterThan(590_000)
    expect(saga.asks('refundPayment')).toMatchObject([{ refundId: returnId, amount: 1000, reason: 'return' }])
    expect(saga.asks('restock')).toMatchObject([{ returnId, warehouse: 'AMS', disposition: 'restock' }])
  })

  it('is written down once the acceptance of what was asked is in the history', async () => {
    const handle = await start()
    const accepted: boolean[] = []
    saga.answers.recordReturn = async () => {
      accepted.push((await saga.history(handle)).some(isAcceptance))
      return { amount: 1000, shipping: 0 }
    }
    await cancel(handle)
    await handle.result()
    expect(accepted).toEqual([true])
  })

  it('is paid back with its approval where that is the policy, and once', async () => {
    saga.answers.recordReturn = async ({ pays }) => ({ amount: pays ? 1000 : 900, shipping: pays ? 100 : 0 })
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

  it('says how much has really gone back, also where others had given it back already', async () => {
    for (const left of [400, 0]) {
      saga.answers.refundPayment = async () => ({ outcome: 'refunded', amount: left })
      const handle = await start()
      await approve(handle)
      await receive(handle)
      expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: left })
      expect(saga.asks('refundPayment').at(-1)).toMatchObject({ amount: 1000, orWhatIsLeft: true })
      expect(saga.asks('recordReturn').at(-1)).toMatchObject({ status: 'refunded', paid: left })
    }
    expect(calls).not.toContain('raiseConcern')
  })

  it('takes each answer for what it is about, where it asks several things at once', async () => {
    saga.answers.refundPayment = failing('the provider is away')
    saga.answers.restock = failing('there is no such warehouse')
    const handle = await start({ refundOn: 'approval' })
    await approve(handle)
    await saga.called('raiseConcern')
    await receive(handle)
    await saga.called('raiseConcern', 2)
    const resolve = (note: string, operation?: string) =>
      saga.update(handle, 'operate', { action: 'resolve', by: 'op', note, ...(operation && { operation }) })
    await resolve('counted in by hand', 'restock')
    const settled = () => saga.asks('settleConcern').map(({ source }) => source.split(':').at(-1))
    expect(settled()).toEqual(['restock'])
    await expect(resolve('again', 'restock')).rejects.toMatchObject({
      cause: { type: 'no_operation_waiting' },
    })
    expect(await handle.query('status')).toBe('received')
    // as callers of earlier code answer, who name nothing
    await resolve('by bank transfer')
    expect(settled()).toEqual(['restock', 'refundPayment'])
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 0 })
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
