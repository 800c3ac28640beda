/** The workflows on the real server, with services that note what they are asked and answer what a test wants. */
import { randomUUID } from 'node:crypto'
import type { Client, WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import type { temporal } from '@temporalio/proto'
import { beforeAll, beforeEach, expect, vi } from 'vitest'
import { returnWorkflowId, type ReturnInput, type ReturnResult } from '#contracts/return-workflow.ts'
import {
  FAILURE,
  orderWorkflowId,
  shipmentWorkflowId,
  type OrderInput,
  type OrderTerms,
  type SagaPolicy,
  type WaitPolicy,
} from '#contracts/workflows.ts'
import type { order } from '#workflows/order.ts'
import { oncePerAttempt } from './once-per-attempt.ts'
import { cheerful, OFFERS, type Answers } from './saga-answers.ts'
import { startWorkers } from './temporal.ts'

/** A call that the workflows made. */
export interface Asked {
  name: keyof Answers
  argument: unknown
}

export type ReturnHandle = WorkflowHandle<(input: ReturnInput) => Promise<ReturnResult>>

export interface SagaBench {
  readonly client: Client
  /** What the services were asked, in order: the activity's name, with the status where there is one. */
  readonly calls: string[]
  /** The same with their arguments. */
  readonly asked: Asked[]
  /** The arguments of every call of one activity. */
  asks<Name extends keyof Answers>(name: Name): Parameters<Answers[Name]>[0][]
  /** Resolves when the calls, by name and status, contain this one. */
  called(call: string, times?: number): Promise<void>
  /** Resolves when the order has this status, and waits for this where it is named. */
  reaches(handle: WorkflowHandle, status: string, waitingFor?: string): Promise<void>
  update<Result>(handle: WorkflowHandle, name: string, argument: object): Promise<Result>
  /** Cheerful before each test; to be changed by it. */
  readonly answers: Answers
  /** Parcels that were booked. */
  readonly shipmentIds: ReadonlySet<string>
  start(change?: Partial<OrderInput>): Promise<WorkflowHandleWithFirstExecutionRunId<typeof order>>
  /** The order of three mugs, one of which leaves from Amsterdam and two from Ljubljana. */
  startSplit(change?: Partial<OrderInput>): Promise<WorkflowHandle<typeof order>>
  /** The return of one mug, paid back when it is received. */
  startReturn(change?: Partial<ReturnInput>): Promise<ReturnHandle>
  /** The events of a workflow's history. */
  history(handle: WorkflowHandle): Promise<temporal.api.history.v1.IHistoryEvent[]>
  /** Waits until an operator is asked, about this operation where it is named, after it was tried twice or so often. */
  isAsked(handle: WorkflowHandle, operation?: string, attempts?: number): Promise<void>
  operate(handle: WorkflowHandle, action: 'retry' | 'resolve'): Promise<void>
  /** The workflows of the order's parcels, once they are booked. */
  parcels(count?: number): Promise<WorkflowHandle[]>
  report(parcel: WorkflowHandle, status: string): Promise<unknown>
  /** Runs the parcels of an order to their end. */
  deliver(count?: number): Promise<void>
}

/** What a workflow task that is done over says again: all but when, and in which task. */
const MOMENTS = new Set(['task', 'at', 'until', 'since'])
const stableOf = (argument: unknown): string =>
  JSON.stringify(argument, (key, value: unknown) => (MOMENTS.has(key) ? undefined : value)) ?? ''

export const failing = (message: string) => async (): Promise<never> => {
  throw new Error(message)
}

/** Longer than a machine stalls; what does not come at all is noticed then. */
export const PATIENCE_MS = 40_000

/** Starts the workers of a test file. */
export function openSaga(): SagaBench {
  const calls: string[] = []
  const asked: Asked[] = []
  const shipmentIds = new Set<string>()
  const askOnce = oncePerAttempt()
  let answers = cheerful(shipmentIds)
  let client: Client

  /** Activities that note their call and answer what the test at hand wants. */
  const doors = (...names: (keyof Answers)[]): object =>
    Object.fromEntries(
      names.map((name) => [
        name,
        (argument: never) => {
          const status = (argument as { status?: string } | undefined)?.status
          const call = status === undefined ? name : `${name}:${status}`
          return askOnce(`${call} ${stableOf(argument)}`, async () => {
            calls.push(call)
            asked.push({ name, argument })
            return (answers[name] as (argument: never) => Promise<unknown>)(argument)
          })
        },
      ]),
    )

  beforeAll(async () => {
    client = await startWorkers({
      inventory: doors(...OFFERS.inventory),
      users: doors(...OFFERS.users),
      payments: doors(...OFFERS.payments),
      shipping: doors(...OFFERS.shipping),
      orders: {
        ...doors(...OFFERS.orders),
        requestCancellation: ({ workflowId }: { workflowId: string }) =>
          client.workflow.getHandle(workflowId).cancel(),
      },
    })
  })

  beforeEach(() => {
    calls.length = 0
    asked.length = 0
    shipmentIds.clear()
    answers = cheerful(shipmentIds)
  })

  const start = (change: Partial<OrderInput> = {}) => {
    const argument = orderOf(change)
    return client.workflow.start<typeof order>('order', {
      workflowId: orderWorkflowId(argument.orderId),
      taskQueue: 'orders',
      args: [argument],
    })
  }

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
    asked,
    asks: <Name extends keyof Answers>(name: Name) =>
      asked
        .filter((call) => call.name === name)
        .map(({ argument }) => argument as Parameters<Answers[Name]>[0]),
    called: (call, times = 1) =>
      vi.waitFor(
        () => expect(calls.filter((made) => made === call).length).toBeGreaterThanOrEqual(times),
        PATIENCE_MS,
      ),
    reaches: (handle, status, waitingFor) =>
      vi.waitFor(
        async () =>
          expect(await handle.query('progress')).toMatchObject({
            status,
            ...(waitingFor === undefined ? {} : { waitingFor: { what: waitingFor } }),
          }),
        PATIENCE_MS,
      ),
    update: (handle, name, argument) => handle.executeUpdate(name, { args: [argument] }),
    get answers() {
      return answers
    },
    shipmentIds,
    start,
    startSplit(change = {}) {
      answers.reserveInventory = async () => ({
        outcome: 'held',
        allocations: [
          { warehouse: 'AMS', lines: [{ sku: 'MUG-WHITE', quantity: 1 }] },
          { warehouse: 'LJU', lines: [{ sku: 'MUG-WHITE', quantity: 2 }] },
        ],
        expiresAt: '',
      })
      return start({ lines: [{ sku: 'MUG-WHITE', quantity: 3, total: 1000, tax: 200 }], ...change })
    },
    startReturn(change = {}) {
      const argument = returnOf(change)
      return client.workflow.start<(input: ReturnInput) => Promise<ReturnResult>>('return', {
        workflowId: returnWorkflowId(argument.returnId),
        taskQueue: 'orders',
        args: [argument],
      })
    },
    async history({ workflowId }) {
      return (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? []
    },
    isAsked: (handle, operation, attempts = 2) =>
      vi.waitFor(async () => {
        const attention = { attempts, ...(operation === undefined ? {} : { operation }) }
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

export const WAITS: WaitPolicy = {
  decisionSeconds: 600,
  paymentSeconds: 600,
  paymentTries: 3,
  backorderSeconds: 600,
  amendmentSeconds: 0,
  dispatchSeconds: 3600,
  deliverySeconds: 3600,
  lostParcel: 'refund',
}

const POLICY: SagaPolicy = { stepAttempts: 2, compensationAttempts: 2, maximumIntervalSeconds: 1 }

/** The policy of an order that waits for people; what a test does not say is long enough not to come. */
export const waiting = (change: Partial<WaitPolicy> = {}): SagaPolicy => ({
  ...POLICY,
  followsSpending: true,
  waits: { ...WAITS, ...change },
})

/** An order of two mugs for 10 each and 5 of shipping. */
export const orderOf = (change: Partial<OrderInput>): OrderInput => ({
  orderId: randomUUID(),
  number: 'M-1',
  customerId: randomUUID(),
  currency: 'EUR',
  total: 2500,
  shipping: 400,
  shippingTax: 100,
  lines: [{ sku: 'MUG-WHITE', quantity: 2, total: 1600, tax: 400 }],
  paymentMethod: 'pm_card_visa',
  policy: POLICY,
  ...change,
})

const returnOf = (change: Partial<ReturnInput>): ReturnInput => ({
  returnId: randomUUID(),
  orderId: randomUUID(),
  customerId: randomUUID(),
  number: 'M-1',
  currency: 'EUR',
  lines: [{ sku: 'MUG-WHITE', quantity: 1 }],
  policy: POLICY,
  refundOn: 'receipt',
  arrivalSeconds: 600,
  ...change,
})

/** Mugs for 10 each with tax, 5 of shipping. */
export const termsOf = (quantity: number): OrderTerms => ({
  lines: [{ sku: 'MUG-WHITE', quantity, total: quantity * 800, tax: quantity * 200 }],
  shipping: 400,
  shippingTax: 100,
  total: quantity * 1000 + 500,
})

/** A refusal that is a failure, as the activities throw it. */
export const refusedFor = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, FAILURE.refused)

export const isAcceptance = (event: temporal.api.history.v1.IHistoryEvent): boolean =>
  event.workflowExecutionUpdateAcceptedEventAttributes != null
