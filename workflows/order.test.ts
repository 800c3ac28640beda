import { randomUUID } from 'node:crypto'
import { WorkflowFailedError, WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client'
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { InventoryActivities } from '#activities/inventory.ts'
import type { OrdersActivities } from '#activities/orders.ts'
import type { PaymentsActivities } from '#activities/payments.ts'
import type { ShippingActivities } from '#activities/shipping.ts'
import type { UsersActivities } from '#activities/users.ts'
import { orderWorkflowId, shipmentWorkflowId, type OrderInput } from '#contracts/workflows.ts'
import { startWorkers } from '#tests/support/temporal.ts'
import type { Client } from '@temporalio/client'
import type { order } from './order.ts'

/** What the services were asked, in order; the answers can be changed by each test. */
const calls: string[] = []
let answers: Answers

type Answers = InventoryActivities &
  PaymentsActivities &
  UsersActivities &
  ShippingActivities &
  Omit<OrdersActivities, 'requestCancellation'>

const cheerful = (): Answers => ({
  reserveInventory: async ({ lines }) => ({
    outcome: 'held',
    allocations: [{ warehouse: 'AMS', lines }],
    expiresAt: new Date().toISOString(),
  }),
  commitReservation: async () => {},
  releaseReservation: async () => {},
  screenCustomer: async () => ({ outcome: 'cleared' }),
  releaseScreening: async () => {},
  authorizePayment: async () => ({ outcome: 'authorized', paymentId: randomUUID() }),
  voidPayment: async () => {},
  capturePayment: async ({ amount, shipping }) => ({ outcome: 'captured', captured: amount + shipping }),
  bookShipment: async () => ({ outcome: 'booked', trackingNumber: 'T1' }),
  recordParcel: async () => {},
  cancelShipment: async () => {},
  recordProgress: async () => {},
  raiseAttention: async () => {},
  clearAttention: async () => {},
  loadShippingAddress: async () => ({ name: 'A', line1: 'B', city: 'C', postalCode: 'D', country: 'NL' }),
})

const input = (change: Partial<OrderInput> = {}): OrderInput => ({
  orderId: randomUUID(),
  number: 'M-1',
  customerId: randomUUID(),
  currency: 'EUR',
  total: 2500,
  shipping: 400,
  shippingTax: 100,
  lines: [{ sku: 'MUG-WHITE', quantity: 2, total: 1600, tax: 400 }],
  paymentMethod: 'pm_card_visa',
  policy: { stepAttempts: 2, compensationAttempts: 2, maximumIntervalSeconds: 1 },
  ...change,
})

let client: Client

beforeAll(async () => {
  answers = cheerful()
  client = await startWorkers({
    inventory: doors('reserveInventory', 'commitReservation', 'releaseReservation'),
    users: doors('screenCustomer', 'releaseScreening'),
    payments: doors('authorizePayment', 'voidPayment', 'capturePayment'),
    shipping: doors('bookShipment', 'recordParcel', 'cancelShipment'),
    orders: {
      ...doors('recordProgress', 'raiseAttention', 'clearAttention', 'loadShippingAddress'),
      requestCancellation: ({ workflowId }: { workflowId: string }) =>
        client.workflow.getHandle(workflowId).cancel(),
    },
  })
})

beforeEach(() => {
  calls.length = 0
  answers = cheerful()
})

/** Activities that note their call and answer what the test at hand wants. */
function doors(...names: (keyof Answers)[]): object {
  return Object.fromEntries(
    names.map((name) => [
      name,
      (argument: never) => {
        const status = (argument as { status?: string }).status
        calls.push(status === undefined ? name : `${name}:${status}`)
        return (answers[name] as (argument: never) => Promise<unknown>)(argument)
      },
    ]),
  )
}

const start = (change: Partial<OrderInput> = {}): Promise<WorkflowHandle<typeof order>> => {
  const argument = input(change)
  return client.workflow.start<typeof order>('order', {
    workflowId: orderWorkflowId(argument.orderId),
    taskQueue: 'orders',
    args: [argument],
  })
}

const failing = (message: string) => async (): Promise<never> => {
  throw new Error(message)
}

const isAsked = (handle: WorkflowHandle) =>
  vi.waitFor(
    async () => expect(await handle.query('progress')).toMatchObject({ attention: { attempts: 2 } }),
    15_000,
  )

/** Runs the parcels of an order to their end. */
async function deliver(parcels = 1): Promise<void> {
  const booked = await vi.waitFor(() => {
    expect(shipmentIds).toHaveLength(parcels)
    return [...shipmentIds]
  }, 15_000)
  for (const id of booked) {
    const handle = client.workflow.getHandle(shipmentWorkflowId(id))
    for (const status of ['dispatched', 'delivered']) {
      await handle.executeUpdate('report', {
        args: [{ status, at: new Date().toISOString(), source: 'courier' }],
      })
    }
  }
}

const shipmentIds = new Set<string>()
beforeEach(() => {
  shipmentIds.clear()
  answers.bookShipment = async ({ shipmentId }) => {
    shipmentIds.add(shipmentId)
    return { outcome: 'booked', trackingNumber: 'T1' }
  }
})

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
    answers.reserveInventory = async () => ({
      outcome: 'held',
      allocations: [
        { warehouse: 'AMS', lines: [{ sku: 'MUG-WHITE', quantity: 1 }] },
        { warehouse: 'LJU', lines: [{ sku: 'MUG-WHITE', quantity: 2 }] },
      ],
      expiresAt: '',
    })
    answers.capturePayment = async ({ amount, shipping }) => {
      captured.push([amount, shipping])
      return { outcome: 'captured', captured: amount }
    }
    const handle = await start({ lines: [{ sku: 'MUG-WHITE', quantity: 3, total: 1000, tax: 200 }] })
    await deliver(2)
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(captured.toSorted(([one], [other]) => one - other)).toEqual([
      [333 + 67, 500],
      [667 + 133, 500],
    ])
  })

  it('undoes the reservation and the screening when the payment is declined', async () => {
    const steps: string[] = []
    answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    answers.recordProgress = async (record) => {
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
    answers.reserveInventory = async () => ({
      outcome: 'out_of_stock',
      shortages: [{ sku: 'MUG-WHITE', requested: 2, available: 0 }],
    })
    const handle = await start()
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'out_of_stock' })
    expect(calls).not.toContain('authorizePayment')
    expect(calls.slice(-3)).toEqual(['releaseScreening', 'releaseReservation', 'recordProgress:rejected'])
  })

  it('rejects a customer over the spending limit and releases the stock', async () => {
    answers.screenCustomer = async () => ({ outcome: 'refused', code: 'spending_limit' })
    const handle = await start()
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'fraud' })
    expect(calls).toContain('releaseReservation')
  })

  it('undoes everything and fails with the step when a step stays impossible', async () => {
    answers.commitReservation = failing('the database is away')
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
    answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    answers.voidPayment = failing('the provider is away')
    const handle = await start()
    await isAsked(handle)
    const length = (await handle.describe()).historyLength
    expect(calls).not.toContain('releaseReservation')
    answers.voidPayment = async () => {}
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
    answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    answers.voidPayment = failing('the provider is away')
    const handle = await start()
    await isAsked(handle)
    await handle.executeUpdate('operate', { args: [{ action: 'resolve', by: 'op', note: 'voided by hand' }] })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(calls.filter((call) => call === 'voidPayment')).toHaveLength(2)
  })

  it('refuses an operation while nothing is asked, and leaves no trace of it', async () => {
    answers.authorizePayment = () =>
      new Promise((resolve) => setTimeout(() => resolve({ outcome: 'declined', code: 'x' }), 1500))
    const handle = await start()
    await expect(
      handle.executeUpdate('operate', { args: [{ action: 'retry', by: 'op', note: '' }] }),
    ).rejects.toBeInstanceOf(WorkflowUpdateFailedError)
    await handle.result()
    const { events } = await handle.fetchHistory()
    expect(events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toEqual([])
  })

  it('closes as Cancelled after undoing, when it is cancelled while the payment is authorized', async () => {
    let authorizing = () => {}
    const reached = new Promise<void>((resolve) => (authorizing = resolve))
    answers.authorizePayment = async () => {
      authorizing()
      await new Promise((resolve) => setTimeout(resolve, 800))
      calls.push('authorized')
      return { outcome: 'authorized', paymentId: randomUUID() }
    }
    const handle = await start()
    await reached
    await handle.executeUpdate('cancel', { args: [{ by: 'customer', reason: 'changed my mind' }] })
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
    answers.authorizePayment = async () => {
      await new Promise((resolve) => setTimeout(resolve, 500))
      return { outcome: 'authorized', paymentId: randomUUID() }
    }
    answers.voidPayment = failing('the provider is away')
    const handle = await start()
    await vi.waitFor(() => expect(calls).toContain('authorizePayment'), 10_000)
    await handle.executeUpdate('cancel', { args: [{ by: 'customer', reason: null }] })
    await isAsked(handle)
    answers.voidPayment = async () => {}
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
    answers.authorizePayment = async () => {
      await new Promise((resolve) => setTimeout(resolve, 500))
      return { outcome: 'authorized', paymentId: randomUUID() }
    }
    const handle = await start()
    await vi.waitFor(() => expect(calls).toContain('authorizePayment'), 10_000)
    await handle.cancel()
    await handle.result().catch(() => {})
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(calls).toContain('voidPayment')
  })

  it('refuses a cancellation once it is confirmed', async () => {
    const handle = await start()
    await vi.waitFor(() => expect(calls).toContain('bookShipment'), 10_000)
    const refused = handle.executeUpdate('cancel', { args: [{ by: 'customer', reason: null }] })
    await expect(refused).rejects.toMatchObject({ cause: { type: 'order_not_cancellable' } })
    await deliver()
    await handle.result()
  })

  it('asks an operator when a capture is refused, and completes after a retry', async () => {
    let refuse = true
    answers.capturePayment = async ({ amount }) =>
      refuse ? { outcome: 'refused', code: 'capture_failed' } : { outcome: 'captured', captured: amount }
    const handle = await start()
    await deliver()
    await isAsked(handle)
    refuse = false
    await handle.executeUpdate('operate', { args: [{ action: 'retry', by: 'op', note: 'again' }] })
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(calls.filter((call) => call === 'capturePayment')).toHaveLength(2)
  })

  it('gives a parcel up when the carrier refuses it for good and an operator resolves that', async () => {
    answers.bookShipment = async () => {
      throw ApplicationFailure.nonRetryable('no such address', 'Refused')
    }
    const handle = await start()
    await isAsked(handle)
    await handle.executeUpdate('operate', {
      args: [{ action: 'resolve', by: 'op', note: 'customer was called' }],
    })
    expect(await handle.result()).toMatchObject({ status: 'completed', parcels: [{ status: 'cancelled' }] })
    expect(calls.slice(-4)).toEqual([
      'cancelShipment',
      'voidPayment',
      'releaseReservation',
      'recordProgress:completed',
    ])
  })
})

describe('the shipment', () => {
  it('refuses a report that its state does not allow', async () => {
    const handle = await start()
    await vi.waitFor(() => expect(shipmentIds.size).toBe(1), 10_000)
    const [id = ''] = shipmentIds
    const shipment = client.workflow.getHandle(shipmentWorkflowId(id))
    const at = new Date().toISOString()
    const early = shipment.executeUpdate('report', { args: [{ status: 'delivered', at, source: 'courier' }] })
    await expect(early).rejects.toMatchObject({ cause: { type: 'shipment_transition_refused' } })
    await deliver()
    await handle.result()
  })

  it('takes the same report once when two scans race', async () => {
    const handle = await start()
    await vi.waitFor(() => expect(shipmentIds.size).toBe(1), 10_000)
    const [id = ''] = shipmentIds
    const shipment = client.workflow.getHandle(shipmentWorkflowId(id))
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
