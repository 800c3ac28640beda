/** The workflows on the real server, with services that note what they are asked and answer what a test wants. */
import { randomUUID } from 'node:crypto'
import type { Client, WorkflowHandle } from '@temporalio/client'
import { beforeAll, beforeEach, expect, vi } from 'vitest'
import type { InventoryActivities } from '#activities/inventory.ts'
import type { OrdersActivities } from '#activities/orders.ts'
import type { PaymentsActivities } from '#activities/payments.ts'
import type { ShippingActivities } from '#activities/shipping.ts'
import type { UsersActivities } from '#activities/users.ts'
import { orderWorkflowId, shipmentWorkflowId, type OrderInput } from '#contracts/workflows.ts'
import type { order } from '#workflows/order.ts'
import { startWorkers } from './temporal.ts'

export type Answers = Pick<
  InventoryActivities,
  'reserveInventory' | 'commitReservation' | 'releaseReservation'
> &
  Pick<PaymentsActivities, 'authorizePayment' | 'voidPayment' | 'capturePayment'> &
  UsersActivities &
  ShippingActivities &
  Pick<OrdersActivities, 'recordProgress' | 'raiseAttention' | 'clearAttention' | 'loadShippingAddress'>

export interface SagaBench {
  readonly client: Client
  /** What the services were asked, in order: the activity's name, with the status where there is one. */
  readonly calls: string[]
  /** Cheerful before each test; to be changed by it. */
  readonly answers: Answers
  /** Parcels that were booked. */
  readonly shipmentIds: ReadonlySet<string>
  start(change?: Partial<OrderInput>): Promise<WorkflowHandle<typeof order>>
  /** Waits until an operator is asked, about this operation where it is named. */
  isAsked(handle: WorkflowHandle, operation?: string): Promise<void>
  operate(handle: WorkflowHandle, action: 'retry' | 'resolve'): Promise<void>
  /** The workflows of the order's parcels, once they are booked. */
  parcels(count?: number): Promise<WorkflowHandle[]>
  report(parcel: WorkflowHandle, status: string): Promise<unknown>
  /** Runs the parcels of an order to their end. */
  deliver(count?: number): Promise<void>
}

export const failing = (message: string) => async (): Promise<never> => {
  throw new Error(message)
}

const PATIENCE_MS = 15_000

/** Starts the workers of a test file. */
export function openSaga(): SagaBench {
  const calls: string[] = []
  const shipmentIds = new Set<string>()
  let answers = cheerful(shipmentIds)
  let client: Client

  /** Activities that note their call and answer what the test at hand wants. */
  const doors = (...names: (keyof Answers)[]): object =>
    Object.fromEntries(
      names.map((name) => [
        name,
        (argument: never) => {
          const status = (argument as { status?: string }).status
          calls.push(status === undefined ? name : `${name}:${status}`)
          return (answers[name] as (argument: never) => Promise<unknown>)(argument)
        },
      ]),
    )

  beforeAll(async () => {
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
    shipmentIds.clear()
    answers = cheerful(shipmentIds)
  })

  const report = (parcel: WorkflowHandle, status: string) =>
    parcel.executeUpdate('report', {
      args: [{ status, at: new Date().toISOString(), source: 'courier' }],
    })

  const parcels = (count = 1) =>
    vi.waitFor(() => {
      expect(shipmentIds).toHaveLength(count)
      return [...shipmentIds].map((id) => client.workflow.getHandle(shipmentWorkflowId(id)))
    }, PATIENCE_MS)

  return {
    get client() {
      return client
    },
    calls,
    get answers() {
      return answers
    },
    shipmentIds,
    start(change = {}) {
      const argument = input(change)
      return client.workflow.start<typeof order>('order', {
        workflowId: orderWorkflowId(argument.orderId),
        taskQueue: 'orders',
        args: [argument],
      })
    },
    isAsked: (handle, operation) =>
      vi.waitFor(async () => {
        const attention = { attempts: 2, ...(operation === undefined ? {} : { operation }) }
        expect(await handle.query('progress')).toMatchObject({ attention })
      }, PATIENCE_MS),
    async operate(handle, action) {
      await handle.executeUpdate('operate', { args: [{ action, by: 'op', note: 'seen to' }] })
    },
    parcels,
    report,
    async deliver(count) {
      for (const parcel of await parcels(count)) {
        await report(parcel, 'dispatched')
        await report(parcel, 'delivered')
      }
    },
  }
}

const cheerful = (shipmentIds: Set<string>): Answers => ({
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
  async bookShipment({ shipmentId }) {
    shipmentIds.add(shipmentId)
    return { outcome: 'booked', trackingNumber: 'T1' }
  },
  recordParcel: async () => {},
  cancelShipment: async () => {},
  findStrayParcels: async () => [],
  recordProgress: async () => {},
  raiseAttention: async () => {},
  clearAttention: async () => {},
  loadShippingAddress: async () => ({ name: 'A', line1: 'B', city: 'C', postalCode: 'D', country: 'NL' }),
})

const input = (change: Partial<OrderInput>): OrderInput => ({
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
