import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import type { AuthorizationResult } from '#activities/payments.ts'
import type { OrderInput } from '#contracts/workflows.ts'
import { failing, isAcceptance, openSaga } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

/** Resolves when `name` is being answered; the answer waits until it is let go. */
function hold<Result>(answer: () => Promise<Result>) {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    release: released.resolve,
    work: async (): Promise<Result> => {
      reached.resolve()
      await released.promise
      return answer()
    },
  }
}

const cancel = (handle: WorkflowHandle) =>
  handle.executeUpdate('cancel', { args: [{ by: 'customer', reason: 'changed my mind' }] })

const statusOf = async (handle: WorkflowHandle): Promise<string> => {
  await handle.result().catch(() => {})
  return (await handle.describe()).status.name
}

/** Cancelled while the payment is being authorized, which then ends like this. */
async function cancelledWhile(
  ends: () => Promise<AuthorizationResult>,
  change: Partial<OrderInput> = {},
): Promise<WorkflowHandle> {
  const authorizing = hold(ends)
  saga.answers.authorizePayment = authorizing.work
  const handle = await saga.start(change)
  await authorizing.reached
  await cancel(handle)
  authorizing.release()
  expect(await statusOf(handle)).toBe('CANCELLED')
  return handle
}

describe('a cancellation', () => {
  it('that was accepted stands although the payment is declined meanwhile', async () => {
    await cancelledWhile(async () => ({ outcome: 'declined', code: 'card_declined' }))
    expect(calls.slice(-5)).toEqual([
      'recordProgress:cancelling',
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:cancelled',
    ])
  })

  it('that was accepted stands although the step fails for good meanwhile', async () => {
    await cancelledWhile(failing('the provider is away'), {
      policy: { stepAttempts: 1, compensationAttempts: 2, maximumIntervalSeconds: 1 },
    })
    expect(calls.at(-1)).toBe('recordProgress:cancelled')
  })

  it('from the Temporal UI changes nothing of an order that is being rejected', async () => {
    const voiding = hold(async () => {})
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    saga.answers.voidPayment = voiding.work
    const handle = await saga.start()
    await voiding.reached
    await handle.cancel()
    voiding.release()
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(calls.at(-1)).toBe('recordProgress:rejected')
  })

  it('from the Temporal UI changes nothing of an order whose parcels have left', async () => {
    const handle = await saga.start()
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await saga.called('capturePayment')
    await handle.cancel()
    await saga.report(parcel!, 'delivered')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(calls).not.toContain('recordProgress:cancelling')
  })

  it('while the stock is being committed gives it back', async () => {
    const committing = hold(async () => {})
    saga.answers.commitReservation = committing.work
    const handle = await saga.start()
    await committing.reached
    await cancel(handle)
    committing.release()
    expect(await statusOf(handle)).toBe('CANCELLED')
    expect(calls).not.toContain('recordProgress:confirmed')
    expect(calls).toContain('releaseReservation')
  })

  it('is passed on to Temporal only once its acceptance is in the history', async () => {
    const handle = await cancelledWhile(failing('the provider is away'))
    const history = await saga.history(handle)
    const accepted = history.findIndex(isAcceptance)
    const passedOn = history.findIndex(
      ({ activityTaskScheduledEventAttributes: activity }) =>
        activity?.activityType?.name === 'requestCancellation',
    )
    expect(accepted).toBeGreaterThan(-1)
    expect(passedOn).toBeGreaterThan(accepted)
  })

  it('that comes at once undoes what was begun and takes no money', async () => {
    const recording = hold(async () => undefined)
    saga.answers.recordProgress = recording.work
    const handle = await saga.start()
    await recording.reached
    await handle.cancel()
    recording.release()
    expect(await statusOf(handle)).toBe('CANCELLED')
    expect(calls).not.toContain('authorizePayment')
    expect(calls.slice(-4)).toEqual([
      'recordProgress:cancelling',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:cancelled',
    ])
  })
})

describe('a step that fails for good', () => {
  it('is named in the failure, also when another one runs beside it', async () => {
    saga.answers.screenCustomer = failing('the users service is broken')
    const handle = await saga.start()
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'SagaFailedError', details: [{ step: 'screenFraud' }] },
    })
    expect(calls.at(-1)).toBe('recordProgress:rejected')
  })
})
