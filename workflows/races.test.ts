import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it, vi } from 'vitest'
import type { OrderTerms } from '#contracts/workflows.ts'
import { openSaga, PATIENCE_MS, refusedFor, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

/** An activity that stops where a test wants it to, before or after its effect. */
function gate() {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    open: opened.resolve,
    async pass(): Promise<void> {
      reached.resolve()
      await opened.promise
    },
  }
}

const cancel = (handle: WorkflowHandle) =>
  saga.update(handle, 'cancel', { by: 'customer', reason: 'changed my mind' })

const closing = async (handle: WorkflowHandle): Promise<string> => {
  await handle.result().catch(() => {})
  return (await handle.describe()).status.name
}

const booked = (parcel: WorkflowHandle) =>
  vi.waitFor(async () => expect(await parcel.query('status')).toBe('booked'), PATIENCE_MS)

/** Resolves when this Update is in the workflow's history. */
const accepted = (handle: WorkflowHandle, count: number) =>
  vi.waitFor(async () => {
    const { events } = await handle.fetchHistory()
    const found = events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)
    expect(found).toHaveLength(count)
  }, PATIENCE_MS)

const captures = () => calls.filter((call) => call === 'capturePayment').length

describe('a cancellation and a dispatch', () => {
  it('the scan is first: the parcel stays and is paid', async () => {
    const recording = gate()
    saga.answers.recordParcel = async ({ status }) => {
      if (status === 'dispatched') await recording.pass()
    }
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    const scanned = saga.report(parcel!, 'dispatched')
    await recording.reached
    await cancel(handle) // the order knows of no dispatch yet
    recording.open()
    expect(await scanned).toBe('dispatched')
    await saga.report(parcel!, 'delivered')
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'delivered' }] })
    expect(captures()).toBe(1)
    expect(calls).not.toContain('cancelShipment')
    expect(calls).not.toContain('voidPayment')
  })

  it('the cancellation is first: the scan is refused and nothing is paid', async () => {
    const cancelling = gate()
    saga.answers.cancelShipment = () => cancelling.pass()
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await booked(parcel!)
    await cancel(handle)
    await cancelling.reached
    const scanned = saga.report(parcel!, 'dispatched')
    scanned.catch(() => {}) // looked at below
    await accepted(parcel!, 1)
    cancelling.open()
    await expect(scanned).rejects.toMatchObject({ cause: { type: 'shipment_transition_refused' } })
    expect(await closing(handle)).toBe('CANCELLED')
    expect(captures()).toBe(0)
    expect(calls).not.toContain('recordParcel:dispatched')
  })

  it('the carrier was faster than both: the scan that waited is taken, and paid', async () => {
    const cancelling = gate()
    saga.answers.cancelShipment = async () => {
      await cancelling.pass()
      throw refusedFor('the parcel has left')
    }
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await booked(parcel!)
    await cancel(handle)
    await cancelling.reached
    const scanned = saga.report(parcel!, 'dispatched')
    await accepted(parcel!, 1)
    cancelling.open()
    expect(await scanned).toBe('dispatched')
    await saga.report(parcel!, 'delivered')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(captures()).toBe(1)
    expect(calls).not.toContain('voidPayment')
  })
})

describe('a cancellation and a capture', () => {
  it('the capture is running: the cancellation comes too late and releases nothing', async () => {
    const capturing = gate()
    const capture = saga.answers.capturePayment
    saga.answers.capturePayment = async (input) => {
      await capturing.pass()
      return capture(input)
    }
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await capturing.reached
    await expect(cancel(handle)).rejects.toMatchObject({ cause: { type: 'order_not_cancellable' } })
    await handle.cancel() // from the Temporal UI, which asks nobody
    capturing.open()
    await saga.report(parcel!, 'delivered')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(captures()).toBe(1)
    expect(calls).not.toContain('voidPayment')
  })
})

describe('the end of a hold and the commit', () => {
  it('the hold is gone: the order takes no money and fails cleanly', async () => {
    saga.answers.commitReservation = async () => {
      throw refusedFor('the hold is gone')
    }
    const handle = await saga.start({ policy: waiting() })
    expect(await closing(handle)).toBe('FAILED')
    expect(calls.filter((call) => call === 'commitReservation')).toHaveLength(1)
    expect(calls.slice(-4)).toEqual([
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:rejected',
    ])
  })

  it('the hold ends while the customer is asked: the extension fails the order before any money moves', async () => {
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    saga.answers.extendReservation = async () => {
      throw refusedFor('the hold is gone')
    }
    const handle = await saga.start({ policy: waiting({ paymentSeconds: 7200 }) })
    expect(await closing(handle)).toBe('FAILED')
    expect(saga.asks('authorizePayment')).toHaveLength(1)
    expect(calls).not.toContain('commitReservation')
    expect(calls).toContain('releaseReservation')
  })
})

describe('two amendments', () => {
  const terms = (quantity: number): OrderTerms => ({
    lines: [{ sku: 'MUG-WHITE', quantity, total: quantity * 800, tax: quantity * 200 }],
    shipping: 400,
    shippingTax: 100,
    total: quantity * 1000 + 500,
  })

  it('the second waits until the first is decided, and stands on what that left', async () => {
    const first = gate()
    saga.answers.quoteAmendment = async ({ amendmentId }) => {
      if (amendmentId === 'first') await first.pass()
      return { outcome: 'possible', terms: terms(amendmentId === 'first' ? 4 : 3), linesChanged: true }
    }
    const reserve = saga.answers.reserveInventory
    saga.answers.reserveInventory = async (input) =>
      input.request === 2 ? { outcome: 'out_of_stock', shortages: [] } : reserve(input)
    const committing = gate()
    saga.answers.commitReservation = committing.pass
    const handle = await saga.start({ policy: waiting({ amendmentSeconds: 1 }) })
    const amend = (amendmentId: string) => saga.update(handle, 'amend', { amendmentId, by: 'customer' })
    const one = amend('first')
    await accepted(handle, 1)
    committing.open()
    await first.reached
    const two = amend('second')
    await accepted(handle, 2)
    expect(saga.asks('quoteAmendment')).toHaveLength(1)
    first.open()
    expect(await Promise.all([one, two])).toMatchObject([
      { outcome: 'refused', code: 'insufficient_stock' },
      { outcome: 'applied' },
    ])
    await saga.deliver()
    await handle.result()
    // the first one never came to its money
    expect(saga.asks('authorizePayment').map(({ request, amount }) => [request, amount])).toEqual([
      [1, 2500],
      [2, 3500],
    ])
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 2 }])
    expect(saga.asks('applyAmendment')).toMatchObject([{ amendmentId: 'second' }])
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 3000, shipping: 500 }])
  })
})

describe('an operator’s answer', () => {
  it('to an earlier question than the open one is refused', async () => {
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    saga.answers.voidPayment = saga.answers.releaseReservation = async () => {
      throw refusedFor('no')
    }
    const handle = await saga.start()
    await saga.isAsked(handle, undefined, 1)
    const first = await attentionOf(handle)
    await answer(handle, 'resolve', first)
    await vi.waitFor(async () => expect(await attentionOf(handle)).not.toBe(first), PATIENCE_MS)
    await expect(answer(handle, 'resolve', first)).rejects.toMatchObject({
      cause: { type: 'no_operation_waiting' },
    })
    expect(await handle.query('progress')).toMatchObject({ attention: { step: 'reserveInventory' } })
    await answer(handle, 'resolve', await attentionOf(handle))
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(saga.asks('clearAttention')).toHaveLength(2)
  })

  async function attentionOf(handle: WorkflowHandle): Promise<string> {
    const { attention } = await handle.query<{ attention: { since: string } | null }>('progress')
    if (attention === null) throw new Error('nothing is asked')
    return attention.since
  }

  const answer = (handle: WorkflowHandle, action: string, since: string) =>
    saga.update(handle, 'operate', { action, by: 'op', note: 'seen to', since })
})
