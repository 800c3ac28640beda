import { randomUUID } from 'node:crypto'
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client'
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { describe, expect, it, vi } from 'vitest'
import { failing, openSaga } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls, start, isAsked, deliver } = saga

describe('the order saga', () => {
  it('runs from reservation to completion and captures when the parcel leaves', async () => {
    const handle = await start()
    await deliver()
    expect(await handle.result()).toMatchObject({
      status: 'completed',
      parcels: [{ status: 'delivered', warehouse: 'AMS' }],
    })
    expect(calls.filter((call) => !call.startsWith('recordParcel'))).toEqual([
      'recordProgress:reserving',
      expect.stringMatching(/reserveInventory|screenCustomer/),
      expect.stringMatching(/reserveInventory|screenCustomer/),
      'recordProgress:authorizing',
      'authorizePayment',
      'commitReservation',
      'recordProgress:confirmed',
      'recordProgress:fulfilling',
      'loadShippingAddress',
      'bookShipment',
      'capturePayment',
      'recordProgress:completed',
    ])
  })

  it('captures each parcel of a split order with its own share', async () => {
    const captured: [number, number][] = []
    saga.answers.capturePayment = async ({ amount, shipping }) => {
      captured.push([amount, shipping])
      return { outcome: 'captured', captured: amount }
    }
    const handle = await saga.startSplit()
    await deliver(2)
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(captured.toSorted(([one], [other]) => one - other)).toEqual([
      [333 + 67, 500],
      [667 + 133, 500],
    ])
  })

  it('undoes the reservation and the screening when the payment is declined', async () => {
    const steps: string[] = []
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    saga.answers.recordProgress = async (record) => {
      steps.push(
        ...record.steps.map(({ name, status, detail }) => `${name} ${status} ${detail ?? ''}`.trim()),
      )
    }
    const handle = await start()
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(steps.slice(2)).toEqual([
      'authorizePayment refused card_declined',
      'authorizePayment compensated',
      'screenFraud compensated',
      'reserveInventory compensated',
    ])
    expect(calls.slice(-4)).toEqual([
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:rejected',
    ])
  })

  it('rejects an order that stock does not cover without touching the payment', async () => {
    saga.answers.reserveInventory = async () => ({
      outcome: 'out_of_stock',
      shortages: [{ sku: 'MUG-WHITE', requested: 2, available: 0 }],
    })
    const handle = await start()
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'out_of_stock' })
    expect(calls).not.toContain('authorizePayment')
    expect(calls.slice(-3)).toEqual(['releaseScreening', 'releaseReservation', 'recordProgress:rejected'])
  })

  it('rejects a customer over the spending limit and releases the stock', async () => {
    saga.answers.screenCustomer = async () => ({ outcome: 'refused', code: 'spending_limit' })
    const handle = await start()
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'fraud' })
    expect(calls).toContain('releaseReservation')
  })

  it('undoes everything and fails with the step when a step stays impossible', async () => {
    saga.answers.commitReservation = failing('the database is away')
    const handle = await start()
    const error = await handle.result().catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(WorkflowFailedError)
    expect((error as WorkflowFailedError).cause).toMatchObject({
      type: 'SagaFailedError',
      details: [{ step: 'confirmOrder' }],
    })
    expect(calls.filter((call) => call === 'commitReservation')).toHaveLength(2)
    expect(calls.slice(-4)).toEqual([
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:rejected',
    ])
  })

  it('waits for an operator when a compensation fails, and goes on after a retry', async () => {
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    saga.answers.voidPayment = failing('the provider is away')
    const handle = await start()
    await isAsked(handle)
    const length = (await handle.describe()).historyLength
    expect(calls).not.toContain('releaseReservation')
    saga.answers.voidPayment = async () => {}
    await handle.executeUpdate('operate', { args: [{ action: 'retry', by: 'op', note: 'provider is back' }] })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(length).toBeGreaterThan(0)
    expect(calls.slice(-5)).toEqual([
      'clearAttention',
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:rejected',
    ])
  })

  it('goes on without the compensation when an operator resolves it', async () => {
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    saga.answers.voidPayment = failing('the provider is away')
    const handle = await start()
    await isAsked(handle)
    await handle.executeUpdate('operate', { args: [{ action: 'resolve', by: 'op', note: 'voided by hand' }] })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(calls.filter((call) => call === 'voidPayment')).toHaveLength(2)
  })

  it('refuses an operation while nothing is asked, and leaves no trace of it', async () => {
    const refused = Promise.withResolvers<void>()
    saga.answers.authorizePayment = async () => {
      await refused.promise
      return { outcome: 'declined', code: 'x' }
    }
    const handle = await start()
    await expect(
      handle.executeUpdate('operate', { args: [{ action: 'retry', by: 'op', note: '' }] }),
    ).rejects.toBeInstanceOf(WorkflowUpdateFailedError)
    refused.resolve()
    await handle.result()
    const { events } = await handle.fetchHistory()
    expect(events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toEqual([])
  })

  it('closes as Cancelled after undoing, when it is cancelled while the payment is authorized', async () => {
    const cancelled = Promise.withResolvers<void>()
    saga.answers.authorizePayment = async () => {
      await cancelled.promise
      calls.push('authorized')
      return { outcome: 'authorized', paymentId: randomUUID() }
    }
    const handle = await start()
    await saga.called('authorizePayment')
    await handle.executeUpdate('cancel', { args: [{ by: 'customer', reason: 'changed my mind' }] })
    cancelled.resolve()
    const error = await handle.result().catch((caught: unknown) => caught)
    expect((error as WorkflowFailedError).cause).toBeInstanceOf(CancelledFailure)
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(calls).not.toContain('commitReservation')
    expect(calls.indexOf('voidPayment')).toBeGreaterThan(calls.indexOf('authorized'))
    expect(calls.slice(-5)).toEqual([
      'recordProgress:cancelling',
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:cancelled',
    ])
  })

  it('listens to the operator when undoing a cancelled order fails', async () => {
    const cancelled = Promise.withResolvers<void>()
    saga.answers.authorizePayment = async () => {
      await cancelled.promise
      return { outcome: 'authorized', paymentId: randomUUID() }
    }
    saga.answers.voidPayment = failing('the provider is away')
    const handle = await start()
    await saga.called('authorizePayment')
    await handle.executeUpdate('cancel', { args: [{ by: 'customer', reason: null }] })
    cancelled.resolve()
    await isAsked(handle)
    saga.answers.voidPayment = async () => {}
    await handle.executeUpdate('operate', { args: [{ action: 'retry', by: 'op', note: 'it is back' }] })
    await handle.result().catch(() => {})
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(calls.slice(-4)).toEqual([
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:cancelled',
    ])
  })

  it('can be cancelled from the Temporal UI too', async () => {
    const cancelled = Promise.withResolvers<void>()
    saga.answers.authorizePayment = async () => {
      await cancelled.promise
      return { outcome: 'authorized', paymentId: randomUUID() }
    }
    const handle = await start()
    await saga.called('authorizePayment')
    await handle.cancel()
    cancelled.resolve()
    await handle.result().catch(() => {})
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(calls).toContain('voidPayment')
  })

  it('refuses a cancellation once every parcel has left', async () => {
    const handle = await start()
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await saga.called('capturePayment')
    const refused = handle.executeUpdate('cancel', { args: [{ by: 'customer', reason: null }] })
    await expect(refused).rejects.toMatchObject({ cause: { type: 'order_not_cancellable' } })
    await saga.report(parcel!, 'delivered')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(calls).not.toContain('cancelShipment')
  })

  it('asks an operator when a capture is refused, and completes after a retry', async () => {
    let refuse = true
    saga.answers.capturePayment = async ({ amount }) =>
      refuse ? { outcome: 'refused', code: 'capture_failed' } : { outcome: 'captured', captured: amount }
    const handle = await start()
    await deliver()
    await isAsked(handle, undefined, 1)
    refuse = false
    await handle.executeUpdate('operate', { args: [{ action: 'retry', by: 'op', note: 'again' }] })
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(calls.filter((call) => call === 'capturePayment')).toHaveLength(2)
  })

  it('gives a parcel up when the carrier refuses it for good and an operator resolves that', async () => {
    saga.answers.bookShipment = async () => {
      throw ApplicationFailure.nonRetryable('no such address', 'Refused')
    }
    const handle = await start()
    await isAsked(handle, undefined, 1)
    await handle.executeUpdate('operate', {
      args: [{ action: 'resolve', by: 'op', note: 'customer was called' }],
    })
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'cancelled' }] })
    expect(calls.slice(-5)).toEqual([
      'cancelShipment',
      'releaseParcelStock',
      'releaseParcelPayment',
      'voidPayment',
      'recordProgress:completed',
    ])
  })

  it('waits for better code where the code has a mistake, and undoes nothing', async () => {
    saga.answers.reserveInventory = async () => ({ outcome: 'held', allocations: null }) as never
    const handle = await start()
    await vi.waitFor(async () => {
      const failures = (await saga.history(handle)).flatMap(
        ({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? [],
      )
      expect(failures[0]).toContain('null')
    }, 40_000)
    expect(calls).not.toContain('releaseReservation')
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await handle.terminate('seen')
  })
})
