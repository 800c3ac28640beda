import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { OrderStatus } from '#contracts/states.ts'
import type { Finding } from '#contracts/workflows.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createSettleConcern } from '../concerns.ts'
import { createRecordProgress } from '../record-progress.ts'
import type { OrderWorkflows } from '../order-workflow.ts'
import type { StartOrder } from '../start-workflows.ts'
import { createCheckWorkflows } from './check-workflows.ts'
import { createFindRunning } from './find-running.ts'
import { createRecordFindings } from './record-findings.ts'
import { createTellOfParcels } from './tell-of-parcels.ts'
import type { WorkflowState } from './workflow-states.ts'

let orders: TestOrders
const startOrder = vi.fn<StartOrder>()
const hearOfParcel = vi.fn<OrderWorkflows['hearOfParcel']>()
const known = new Map<string, WorkflowState>()
const statesOf = async (ids: readonly string[]) =>
  new Map(ids.flatMap((id) => (known.has(id) ? [[id, known.get(id)!] as const] : [])))
beforeAll(async () => {
  orders = await testOrders(10)
})
beforeEach(async () => {
  startOrder.mockReset().mockResolvedValue()
  hearOfParcel.mockReset().mockResolvedValue(false)
  known.clear()
  await orders.database.order.updateMany({ data: { status: 'rejected' } })
})

const check = () =>
  createCheckWorkflows({
    database: orders.database,
    statesOf,
    startOrder,
    settleConcern: createSettleConcern(orders.transact),
    tellOfParcels: createTellOfParcels({
      database: orders.database,
      workflows: { hearOfParcel },
      logger: silentLogger,
    }),
    logger: silentLogger,
  })()
const recordFindings = (...findings: Finding[]) =>
  createRecordFindings({ transact: orders.transact, logger: silentLogger })({ findings })
const PATH: OrderStatus[] = ['reserving', 'authorizing', 'confirmed', 'fulfilling', 'completed']
/** An order in this status that was accepted and last moved so many minutes ago. */
async function orderIn(status: OrderStatus, minutes: number, state?: WorkflowState): Promise<string> {
  const { id } = await orders.place()
  const record = createRecordProgress(orders.transact)
  for (const next of PATH.slice(0, PATH.indexOf(status) + 1)) {
    await record({ orderId: id, status: next, steps: [] })
  }
  const at = new Date(Date.now() - minutes * 60_000)
  await orders.database.order.update({ where: { id }, data: { createdAt: at, updatedAt: at } })
  if (state !== undefined) known.set(id, state)
  return id
}

describe('checkWorkflows', () => {
  it.each<OrderStatus>(['placed', 'reserving'])('starts a workflow that a %s order lacks', async (status) => {
    const id = await orderIn(status, 2)
    expect(await check()).toEqual([
      expect.objectContaining({ kind: 'workflow_missing', subjectId: id, orderId: id, repaired: true }),
    ])
    expect(startOrder).toHaveBeenCalledExactlyOnceWith(id)
  })

  it('says that it could not', async () => {
    await orderIn('placed', 2)
    startOrder.mockRejectedValueOnce(new Error('away'))
    expect(await check()).toMatchObject([{ kind: 'workflow_missing', repaired: false }])
  })

  it.each<[OrderStatus, WorkflowState | undefined, Finding['kind']]>([
    ['authorizing', undefined, 'workflow_missing'],
    ['fulfilling', undefined, 'workflow_missing'],
    ['confirmed', 'closed', 'workflow_stuck'],
  ])('leaves a %s order whose workflow is %s to people', async (status, state, kind) => {
    const id = await orderIn(status, 2, state)
    expect(await check()).toMatchObject([{ kind, subjectId: id, repaired: false }])
    expect(startOrder).not.toHaveBeenCalled()
  })

  it('finds nothing wrong with who is young, runs, waits or has ended', async () => {
    await orderIn('placed', 0.5)
    await orderIn('authorizing', 30, 'running')
    await orderIn('completed', 90, 'closed')
    await orderIn('fulfilling', 90, 'running') // its parcels are not here yet
    const waiting = await orderIn('reserving', 90, 'running')
    await orders.database.order.update({
      where: { id: waiting },
      data: { waitingFor: { what: 'stock', until: new Date().toISOString() } },
    })
    const asked = await orderIn('authorizing', 90, 'running')
    await orders.database.order.update({ where: { id: asked }, data: { attention: {} } })
    expect(await check()).toEqual([])
  })

  it('notices who has not moved for more than an hour', async () => {
    const id = await orderIn('authorizing', 61, 'running')
    expect(await check()).toMatchObject([{ kind: 'workflow_stuck', subjectId: id, repaired: false }])
  })

  it('takes back what it said of a workflow once the order has come to its end', async () => {
    const id = await orderIn('fulfilling', 2, 'closed')
    await recordFindings(...(await check()))
    await recordFindings({
      kind: 'ledger_mismatch',
      subjectId: id,
      orderId: id,
      detail: '5 more',
      repaired: false,
    })
    known.set(id, 'running') // somebody has reset it
    await check()
    const open = () => orders.database.concern.findMany({ where: { orderId: id, settledAt: null } })
    expect(await open()).toHaveLength(2)
    await orders.database.order.update({ where: { id }, data: { status: 'completed' } })
    await check()
    expect(await open()).toMatchObject([{ operation: 'ledger_mismatch' }])
    expect(
      await orders.database.concern.findFirst({ where: { orderId: id, settledBy: 'system' } }),
    ).toMatchObject({
      operation: 'workflow_stuck',
      note: 'the order is completed',
    })
  })

  it.each([
    ['delivered', 61, 1],
    ['delivered', 59, 0],
    ['dispatched', 600, 0],
  ])('of orders on their way only those whose parcels were all %s %i minutes ago: %i', async (...is) => {
    const [status, minutes, expected] = is
    const id = await orderIn('fulfilling', 600, 'running')
    const at = new Date(Date.now() - minutes * 60_000).toISOString()
    await orders.database.orderShipment.create({
      data: { id: randomUUID(), orderId: id, warehouse: 'AMS', status, lines: [], history: [{ status, at }] },
    })
    expect(await check()).toHaveLength(expected)
  })
})

describe('what an order may have missed of its parcels', () => {
  const parcelOf = async (orderId: string, status: string, secondsAgo = 61): Promise<string> => {
    const id = randomUUID()
    const at = new Date(Date.now() - secondsAgo * 1000).toISOString()
    await orders.database.orderShipment.create({
      data: { id, orderId, warehouse: 'AMS', status, lines: [], history: [{ status, at }] },
    })
    return id
  }
  const captured = (orderId: string, amount: number, authorized = 5) =>
    orders.database.orderPayment.create({
      data: { orderId, status: 'authorized', authorized, captured: amount, refunded: 0, released: 0 },
    })
  const told = () => hearOfParcel.mock.calls.map(([orderId, news]) => [orderId, news.shipmentId, news.status])

  it.each<OrderStatus>(['fulfilling', 'cancelling'])(
    'is said when all have come to their end and it is still %s: each is a finding that was put right',
    async (status) => {
      const id = await orderIn('fulfilling', 600, 'running')
      await orders.database.order.update({ where: { id }, data: { status } })
      const ended = [await parcelOf(id, 'delivered', 3_700), await parcelOf(id, 'lost', 3_700)]
      hearOfParcel.mockResolvedValueOnce(true)
      const findings = await check()
      expect(new Set(told())).toEqual(
        new Set([
          [id, ended[0], 'delivered'],
          [id, ended[1], 'lost'],
        ]),
      )
      expect(findings).toMatchObject([{ kind: 'workflow_stuck', subjectId: id, orderId: id, repaired: true }])
    },
  )

  it('is no finding where the order knows, which is stuck for another reason then', async () => {
    const id = await orderIn('fulfilling', 600, 'running')
    await parcelOf(id, 'delivered', 3_700)
    expect(await check()).toMatchObject([{ subjectId: id, repaired: false }])
    expect(told()).toHaveLength(1)
  })

  it('is said when something has left and nothing was captured', async () => {
    const id = await orderIn('fulfilling', 2, 'running')
    const left = await parcelOf(id, 'dispatched')
    await parcelOf(id, 'cancelled')
    await parcelOf(id, 'booked')
    await captured(id, 0)
    await check()
    expect(told()).toEqual([[id, left, 'dispatched']])
  })

  it('is said of every parcel that has moved when its workflow had ended before', async () => {
    const id = await orderIn('fulfilling', 2, 'closed')
    const [left, cancelled] = [await parcelOf(id, 'dispatched'), await parcelOf(id, 'cancelled')]
    await parcelOf(id, 'booked')
    await captured(id, 5)
    await recordFindings(...(await check()))
    expect(told()).toEqual([])
    known.set(id, 'running') // somebody has reset it
    await check()
    expect(new Set(told())).toEqual(
      new Set([
        [id, left, 'dispatched'],
        [id, cancelled, 'cancelled'],
      ]),
    )
  })

  it('is said of all of them, however many', async () => {
    const id = await orderIn('fulfilling', 600, 'running')
    const ended = await Promise.all(Array.from({ length: 45 }, () => parcelOf(id, 'delivered')))
    await check()
    expect(new Set(told().map(([, shipmentId]) => shipmentId))).toEqual(new Set(ended))
  })

  it('is left alone while it may still be on its way, or is what it should be', async () => {
    const fresh = await orderIn('fulfilling', 2, 'running')
    await parcelOf(fresh, 'delivered', 30)
    const paid = await orderIn('fulfilling', 2, 'running')
    await parcelOf(paid, 'delivered')
    await parcelOf(paid, 'dispatched')
    await captured(paid, 5)
    const free = await orderIn('fulfilling', 2, 'running')
    await parcelOf(free, 'dispatched')
    await captured(free, 0, 0)
    const closed = await orderIn('completed', 2, 'running')
    await parcelOf(closed, 'delivered')
    await check()
    expect(told()).toEqual([])
  })

  it('keeps nothing else from being found when it cannot be said', async () => {
    const id = await orderIn('fulfilling', 600, 'running')
    await parcelOf(id, 'delivered', 3_700)
    const missing = await orderIn('authorizing', 2)
    hearOfParcel.mockRejectedValueOnce(new Error('nobody answers'))
    expect(new Set((await check()).map(({ subjectId }) => subjectId))).toEqual(new Set([id, missing]))
  })
})

describe('findRunning', () => {
  it('names those whose holds are theirs', async () => {
    const running = await orderIn('reserving', 5, 'running')
    const starting = await orderIn('placed', 5)
    const closed = await orderIn('reserving', 5, 'closed')
    const ended = await orderIn('completed', 5, 'running')
    const find = createFindRunning({ database: orders.database, statesOf })
    const orderIds = [running, starting, closed, ended, randomUUID()]
    expect(new Set((await find({ orderIds })).orderIds)).toEqual(new Set([running, starting]))
    expect(await find({ orderIds: [] })).toEqual({ orderIds: [] })
  })
})
