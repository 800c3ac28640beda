import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { OrderStatus } from '#contracts/states.ts'
import type { Finding } from '#contracts/workflows.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createSettleConcern } from '../concerns.ts'
import { createRecordProgress } from '../record-progress.ts'
import type { StartOrder } from '../start-workflows.ts'
import { findOrder } from '../store.ts'
import { createCheckWorkflows } from './check-workflows.ts'
import { createFindRunning } from './find-running.ts'
import { createRecordFindings } from './record-findings.ts'
import type { WorkflowState } from './workflow-states.ts'

let orders: TestOrders
const startOrder = vi.fn<StartOrder>()
const known = new Map<string, WorkflowState>()
const statesOf = async (ids: readonly string[]) =>
  new Map(ids.flatMap((id) => (known.has(id) ? [[id, known.get(id)!] as const] : [])))
beforeAll(async () => {
  orders = await testOrders(10)
})
beforeEach(async () => {
  startOrder.mockReset().mockResolvedValue()
  known.clear()
  await orders.database.order.updateMany({ data: { status: 'rejected' } })
})

const check = () =>
  createCheckWorkflows({ database: orders.database, statesOf, startOrder, logger: silentLogger })()
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

describe('recordFindings', () => {
  const record = (...findings: Finding[]) =>
    createRecordFindings({ transact: orders.transact, logger: silentLogger })({ findings })
  const finding = (orderId: string | null, changes: Partial<Finding> = {}): Finding => ({
    kind: 'ledger_mismatch',
    subjectId: orderId ?? 'SKU-1',
    orderId,
    detail: 'the provider holds 5 more',
    repaired: false,
    ...changes,
  })
  const found = async () =>
    (await orders.database.outbox.findMany({ where: { type: 'reconciliation.found' } })).map(
      ({ payload }) => payload,
    )
  const needsAttention = async (id: string) => (await findOrder(orders.database, id, null))?.needsAttention

  it('makes each an event once a day, and a concern of what was not put right', async () => {
    const [broken, mended] = [(await orders.place()).id, (await orders.place()).id]
    const findings = [finding(broken), finding(mended, { repaired: true }), finding(null)]
    const before = (await found()).length
    await record(...findings)
    await Promise.all([record(...findings), record(...findings.toReversed())])
    expect((await found()).slice(before)).toEqual(findings)
    expect([await needsAttention(broken), await needsAttention(mended)]).toEqual([true, false])
  })

  it('asks once, however the detail changes, and again when it was settled', async () => {
    const { id } = await orders.place()
    await record(finding(id))
    await record(finding(id, { detail: 'the provider holds 6 more' }))
    expect(await orders.database.concern.count({ where: { orderId: id } })).toBe(1)
    const [concern] = await orders.database.concern.findMany({ where: { orderId: id } })
    const settle = createSettleConcern(orders.transact)
    await settle({ orderId: id, source: concern!.source, note: 'seen to' })
    await record(finding(id, { detail: 'the provider holds 7 more' }))
    expect(await needsAttention(id)).toBe(true)
  })

  it('is an event also where there is no such order', async () => {
    const strange = finding(randomUUID())
    await record(strange)
    expect(await found()).toContainEqual(strange)
  })
})
