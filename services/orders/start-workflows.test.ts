import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { OrderInput } from '#contracts/workflows.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import { ProblemError } from '#platform/problem.ts'
import { currentTrace, continueTrace, withTrace } from '#platform/trace.ts'
import { WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import type { OrderWorkflows } from './order-workflow.ts'
import { createStartOrder, startWorkflowRelay } from './start-workflows.ts'

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders()
})

const policy = { stepAttempts: 2, compensationAttempts: 3, maximumIntervalSeconds: 4 }
const workflowsWith = (start: OrderWorkflows['start']): OrderWorkflows => ({
  start,
  command: () => Promise.reject(new ProblemError('internal', 'not here')),
  amend: () => Promise.reject(new ProblemError('internal', 'not here')),
  signal: () => Promise.reject(new ProblemError('internal', 'not here')),
  hearOfParcel: () => Promise.reject(new ProblemError('internal', 'not here')),
  requestCancellation: () => Promise.reject(new ProblemError('internal', 'not here')),
})
const pending = async () =>
  (await orders.database.workflowStart.findMany({ orderBy: { requestedAt: 'asc' } })).map(
    ({ orderId }) => orderId,
  )
/** Orders that were accepted some seconds ago and not started. */
const accepted = async (count: number) => {
  const ids: string[] = []
  for (let index = 0; index < count; index++) ids.push((await orders.place()).id)
  await orders.database
    .$executeRaw`UPDATE workflow_starts SET requested_at = requested_at - interval '10 seconds'`
  return ids
}

let relay: Stoppable | undefined
afterEach(async () => {
  await relay?.stop()
  await orders.database.workflowStart.deleteMany()
})
const startRelay = (start: OrderWorkflows['start'], logger = silentLogger) => {
  relay = startWorkflowRelay({ database: orders.database, workflows: workflowsWith(start), policy, logger })
}

describe('startOrder', () => {
  it('starts the workflow with everything it needs and no address, then forgets the request', async () => {
    const order = await orders.place()
    const start = vi.fn<OrderWorkflows['start']>().mockResolvedValue()
    await createStartOrder({ database: orders.database, workflows: workflowsWith(start), policy })(order.id)
    const { lines, total, shipping, customerId, number, currency } = order
    expect(start).toHaveBeenCalledExactlyOnceWith({
      orderId: order.id,
      number,
      customerId,
      currency,
      total,
      shipping,
      shippingTax: 103,
      lines: lines.map(({ sku, quantity, total: net, tax }) => ({ sku, quantity, total: net, tax })),
      paymentMethod: 'pm_card_visa',
      onShortage: 'reject',
      policy,
    })
    expect(await pending()).toEqual([])
  })

  it('keeps the request when the start fails', async () => {
    const { id } = await orders.place()
    const failing = workflowsWith(() => Promise.reject(new Error('away')))
    await expect(
      createStartOrder({ database: orders.database, workflows: failing, policy })(id),
    ).rejects.toThrow('away')
    expect(await pending()).toEqual([id])
  })
})

describe('startWorkflowRelay', () => {
  it('starts what was left, the oldest first, each in the trace of its order', async () => {
    const trace = continueTrace(undefined)
    const ids = await withTrace(trace, () => accepted(3))
    const started: [string, string | undefined][] = []
    startRelay(async ({ orderId }: OrderInput) => void started.push([orderId, currentTrace()?.traceId]))
    await vi.waitFor(async () => expect(await pending()).toEqual([]), 40_000)
    expect(started).toEqual(ids.map((id) => [id, trace.traceId]))
  })

  it('leaves an order that was just accepted to the process that accepted it', async () => {
    const [old] = await accepted(1)
    const young = await orders.place()
    const start = vi.fn<OrderWorkflows['start']>().mockResolvedValue()
    startRelay(start)
    await vi.waitFor(async () => expect(await pending()).toEqual([young.id]), 40_000)
    expect(start.mock.calls.map(([{ orderId }]) => orderId)).toEqual([old])
  })

  it('passes an order that cannot be started, says so, and keeps it', async () => {
    const [broken, fine] = await accepted(2)
    const error = vi.fn<(details: object) => void>()
    startRelay(
      async ({ orderId }) => {
        if (orderId === broken) throw new Error('the payload is too large')
      },
      Object.assign(Object.create(silentLogger), { error }),
    )
    await vi.waitFor(async () => expect(await pending()).toEqual([broken]), 40_000)
    expect(error).toHaveBeenCalledWith(expect.objectContaining({ id: broken }), expect.any(String))
    expect(error).not.toHaveBeenCalledWith(expect.objectContaining({ id: fine }), expect.any(String))
  })

  it('is not held up by however many that cannot be started', async () => {
    const broken = new Set(await accepted(60))
    const [fine] = await accepted(1)
    await orders.database.workflowStart.updateMany({
      where: { orderId: { in: [...broken] } },
      data: { requestedAt: new Date(0) },
    })
    const tried: string[] = []
    startRelay(async ({ orderId }) => {
      tried.push(orderId)
      if (broken.has(orderId)) throw new Error('the payload is too large')
    })
    await vi.waitFor(() => expect(tried).toContain(fine), 40_000)
    expect(await pending()).toHaveLength(60)
    const rows = await orders.database.workflowStart.findMany()
    expect(rows.every(({ attempts }) => attempts > 0)).toBe(true)
  })

  it('does not try one after the other while Temporal is away', async () => {
    const ids = await accepted(3)
    const start = vi
      .fn<OrderWorkflows['start']>()
      .mockRejectedValue(new WorkflowUpdateRPCTimeoutOrCancelledError('away'))
    startRelay(start)
    await vi.waitFor(() => expect(start).toHaveBeenCalledOnce(), 40_000)
    expect(await pending()).toEqual(ids)
  })
})
