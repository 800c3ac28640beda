import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client'
import type { AnyDomainEvent, EventPayload, EventType } from '#contracts/events.ts'
import type { OrderStatus } from '#contracts/states.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import { continueTrace, currentTrace, withTrace } from '#platform/trace.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import type { OrderWorkflows } from './order-workflow.ts'
import { createRecordProgress } from './record-progress.ts'
import { createWakeUps } from './wake-ups.ts'

let orders: TestOrders
let wakeUps: ReturnType<typeof createWakeUps>
let relay: Stoppable | undefined
const signal = vi.fn<OrderWorkflows['signal']>()
beforeAll(async () => {
  orders = await testOrders(10)
})
beforeEach(() => {
  signal.mockReset().mockResolvedValue()
  const { database, transact } = orders
  wakeUps = createWakeUps({ database, transact, workflows: { signal }, logger: silentLogger })
})
afterEach(async () => {
  await relay?.stop()
  await orders.database.wakeUp.deleteMany()
})

const PATHS: Partial<Record<OrderStatus, OrderStatus[]>> = {
  placed: [],
  reserving: ['reserving'],
  awaiting_customer: ['reserving', 'awaiting_customer'],
  authorizing: ['reserving', 'authorizing'],
  confirmed: ['reserving', 'authorizing', 'confirmed'],
  rejected: ['reserving', 'rejected'],
}
const orderIn = async (status: OrderStatus): Promise<string> => {
  const { id } = await orders.place()
  for (const next of PATHS[status] ?? []) {
    await createRecordProgress(orders.transact)({ orderId: id, status: next, steps: [] })
  }
  return id
}

const event = <T extends EventType>(eventType: T, version: number, payload: EventPayload<T>) =>
  ({
    eventId: randomUUID(),
    eventType,
    aggregateId: randomUUID(),
    timestamp: new Date().toISOString(),
    version,
    payload,
  }) as AnyDomainEvent
const held = (orderId: string, version: number) =>
  event('reservation.held', version, { orderId, lines: [], expiresAt: new Date().toISOString() })
const sums = { amount: 0, authorized: 0, captured: 0, refunded: 0, released: 0 }
const payment = (type: Extract<EventType, `payment.${string}`>, orderId: string, version: number) =>
  event(type, version, {
    paymentId: randomUUID(),
    orderId,
    currency: 'EUR',
    ...sums,
    brand: null,
    last4: null,
    code: null,
  })
const stored = () => orders.database.wakeUp.findMany({ orderBy: { id: 'asc' } })

describe('news for orders', () => {
  it.each<[string, (orderId: string) => AnyDomainEvent, OrderStatus, string | undefined]>([
    ['stock that has come', (id) => held(id, 2), 'reserving', 'stockHeld'],
    ['stock that was there at once', (id) => held(id, 1), 'reserving', undefined],
    ['stock for an order that is past that', (id) => held(id, 2), 'confirmed', undefined],
    ['stock for an order that has ended', (id) => held(id, 2), 'rejected', undefined],
    [
      'a payment approved',
      (id) => payment('payment.authorized', id, 3),
      'awaiting_customer',
      'paymentSettled',
    ],
    [
      'a payment approved before the wait is written',
      (id) => payment('payment.authorized', id, 3),
      'authorizing',
      'paymentSettled',
    ],
    ['a payment refused', (id) => payment('payment.declined', id, 3), 'awaiting_customer', 'paymentSettled'],
    [
      'a payment that ran out',
      (id) => payment('payment.expired', id, 4),
      'awaiting_customer',
      'paymentSettled',
    ],
    ['an authorization at once', (id) => payment('payment.authorized', id, 2), 'authorizing', undefined],
    ['what the order asked for itself', (id) => payment('payment.captured', id, 5), 'authorizing', undefined],
    ['a payment of a confirmed order', (id) => payment('payment.authorized', id, 3), 'confirmed', undefined],
  ])('%s: %#', async (_what, happened, status, expected) => {
    const id = await orderIn(status)
    await wakeUps.consumer.handle(happened(id))
    expect((await stored()).map((row) => [row.orderId, row.signal])).toEqual(
      expected === undefined ? [] : [[id, expected]],
    )
  })

  it('are stored once, however often the event comes', async () => {
    const id = await orderIn('reserving')
    const happened = held(id, 2)
    await Promise.all(Array.from({ length: 5 }, () => wakeUps.consumer.handle(happened)))
    expect(await stored()).toHaveLength(1)
  })
})

describe('the relay', () => {
  it('delivers at once, in the trace of the event, and forgets', async () => {
    const id = await orderIn('reserving')
    relay = wakeUps.startRelay()
    const trace = continueTrace(undefined)
    const traces: unknown[] = []
    signal.mockImplementation(async () => void traces.push(currentTrace()?.traceId))
    await withTrace(trace, () => wakeUps.consumer.handle(held(id, 2)))
    await vi.waitFor(async () => expect(await stored()).toEqual([]), 40_000)
    expect(signal).toHaveBeenCalledExactlyOnceWith(id, 'stockHeld')
    expect(traces).toEqual([trace.traceId])
  })

  it('keeps everything while Temporal is away, and delivers it afterwards', async () => {
    const ids = [await orderIn('reserving'), await orderIn('reserving')]
    for (const id of ids) await wakeUps.consumer.handle(held(id, 2))
    signal.mockRejectedValueOnce(new WorkflowUpdateRPCTimeoutOrCancelledError('away'))
    relay = wakeUps.startRelay()
    await vi.waitFor(() => expect(signal).toHaveBeenCalledOnce(), 40_000)
    expect(await stored()).toHaveLength(2)
    await vi.waitFor(async () => expect(await stored()).toEqual([]), 40_000)
    expect(signal.mock.calls.map(([id]) => id)).toEqual([ids[0], ...ids])
  })

  it('passes one that cannot be delivered, and tries it later', async () => {
    const [broken, fine] = [await orderIn('reserving'), await orderIn('reserving')]
    for (const id of [broken, fine]) await wakeUps.consumer.handle(held(id, 2))
    signal.mockImplementation(async (id) => {
      if (id === broken) throw new Error('no such signal')
    })
    relay = wakeUps.startRelay()
    await vi.waitFor(async () => {
      expect((await stored()).map(({ orderId, attempts }) => [orderId, attempts])).toEqual([[broken, 1]])
    }, 40_000)
    await relay.stop()
    const [{ nextAttemptAt } = { nextAttemptAt: new Date(0) }] = await stored()
    expect(nextAttemptAt.getTime()).toBeGreaterThan(Date.now() - 500)
  })
})
