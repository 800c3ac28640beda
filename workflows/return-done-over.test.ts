/** What becomes of a return whose row went another way: in a task that was lost with its worker, or before a reset. */
import { beforeEach, describe, expect, it } from 'vitest'
import { mayMove, RETURN, type ReturnStatus } from '#contracts/states.ts'
import type { ReturnReceipt } from '#contracts/return-workflow.ts'
import { resetRun } from '#stack/demo/reset-run.ts'
import { failing, openSaga, PATIENCE_MS, type ReturnHandle } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls, startReturn: start } = saga

const AMS: ReturnReceipt = { warehouse: 'AMS', disposition: 'restock' }
let row: { status: ReturnStatus; receipt?: ReturnReceipt }
beforeEach(() => {
  row = { status: 'requested' }
  saga.answers.recordReturn = async ({ status, receipt }) => {
    if (mayMove(RETURN, row.status, status)) row = { ...row, status, ...(receipt && { receipt }) }
    return { amount: 1000, shipping: 0, ...row }
  }
})

const approve = (handle: ReturnHandle) => saga.update(handle, 'approve', { by: 'op' })
const reject = (handle: ReturnHandle) => saga.update(handle, 'reject', { by: 'op', reason: null })
const cancel = (handle: ReturnHandle) => saga.update(handle, 'cancel', { by: 'customer' })
const receive = (handle: ReturnHandle, warehouse = 'AMS') =>
  saga.update(handle, 'receive', { by: 'op', warehouse, disposition: 'restock' })
const resolve = (handle: ReturnHandle) =>
  saga.update(handle, 'operate', { action: 'resolve', by: 'op', note: 'by bank transfer' })
const count = (name: string) => calls.filter((call) => call === name).length

const refused = (message: string) => ({ cause: { type: 'return_transition_refused', message } })

/** A return whose goods are here, and about whose refund an operator is asked. */
async function unpaid(): Promise<ReturnHandle> {
  saga.answers.refundPayment = failing('the provider is away')
  const handle = await start()
  await approve(handle)
  await receive(handle)
  await saga.called('raiseConcern')
  return handle
}

/** Undoes the run back to its first task. */
const reset = (handle: ReturnHandle, updates: 'with its Updates' | 'without'): Promise<ReturnHandle> =>
  resetRun(saga.client, handle.workflowId, 'first', updates)

describe('a return whose task is done over with another command', () => {
  it('refuses that one, and goes on where its row is', async () => {
    const first = await start()
    await approve(first)
    const handle = await reset(first, 'without')
    await expect.poll(() => handle.query('status'), { timeout: PATIENCE_MS }).toBe('requested')
    await expect(reject(handle)).rejects.toMatchObject(
      refused('The return is approved; it cannot become rejected.'),
    )
    expect(await handle.query('status')).toBe('approved')
    await receive(handle)
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 1000 })
    expect([count('restock'), count('refundPayment')]).toEqual([1, 1])
  })

  it('pays where it turns out to be approved, if the approval pays, and once', async () => {
    const handle = await start({ refundOn: 'approval' })
    row = { status: 'approved' }
    await expect(reject(handle)).rejects.toMatchObject(
      refused('The return is approved; it cannot become rejected.'),
    )
    await saga.called('refundPayment')
    await receive(handle)
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 1000 })
    expect(count('refundPayment')).toBe(1)
  })

  it('takes in and pays what had arrived, when its deadline finds it so', async () => {
    const { recordReturn } = saga.answers
    saga.answers.recordReturn = async (asked) => {
      if (asked.status === 'cancelled') row = { status: 'received', receipt: AMS }
      return recordReturn(asked)
    }
    const handle = await start({ arrivalSeconds: 1 })
    await approve(handle)
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 1000 })
    expect(saga.asks('restock')).toMatchObject([AMS])
    expect(count('refundPayment')).toBe(1)
  })

  it('wants to hear again where the goods are, if nobody wrote it down', async () => {
    const handle = await start()
    await approve(handle)
    row = { status: 'received' }
    await expect(cancel(handle)).rejects.toMatchObject(
      refused('The return is approved; it cannot become cancelled.'),
    )
    expect(await handle.query('status')).toBe('approved')
    expect(await receive(handle, 'LJU')).toBe('received')
    expect(await handle.result()).toMatchObject({ status: 'refunded' })
    expect(saga.asks('restock')).toMatchObject([{ warehouse: 'LJU' }])
  })

  it('ends where its row has ended, and refuses what was asked otherwise', async () => {
    const handle = await start()
    await approve(handle)
    row = { status: 'cancelled' }
    await expect(receive(handle)).rejects.toMatchObject(
      refused('The return is cancelled; it cannot become received.'),
    )
    expect(await handle.result()).toMatchObject({ status: 'cancelled', refunded: 0 })
    expect([count('restock'), count('refundPayment')]).toEqual([0, 0])
  })
})

describe('a return whose workflow an operator resets', () => {
  it('goes on from where its row is', async () => {
    const first = await unpaid()
    saga.answers.refundPayment = async ({ amount }) => ({ outcome: 'refunded', amount })
    const handle = await reset(first, 'with its Updates')
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 1000 })
    expect(row.status).toBe('refunded')
    expect(saga.asks('restock')).toMatchObject([AMS, AMS])
  })

  it('answers again what it has answered, also where it has gone further since', async () => {
    const first = await unpaid()
    saga.answers.refundPayment = async ({ amount }) => ({ outcome: 'refunded', amount })
    const handle = await reset(first, 'without')
    await expect.poll(() => handle.query('status'), { timeout: PATIENCE_MS }).toBe('requested')
    expect(await approve(handle)).toBe('received')
    expect(await handle.result()).toMatchObject({ status: 'refunded', refunded: 1000 })
  })

  it('pays nothing any more where its row says that it has ended', async () => {
    const first = await unpaid()
    await resolve(first)
    await first.result()
    const before = count('refundPayment')
    const handle = await reset(first, 'with its Updates')
    expect(await handle.result()).toMatchObject({ status: 'refunded' })
    expect(count('refundPayment')).toBe(before)
  })
})
