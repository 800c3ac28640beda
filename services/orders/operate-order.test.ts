import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { ProblemError } from '#platform/problem.ts'
import { ada, op, operator, ordersDoor } from '#tests/support/orders-door.ts'
import { createRaiseAttention } from './attention.ts'
import { createRaiseConcern } from './concerns.ts'
import { createRecordProgress } from './record-progress.ts'

const door = await ordersDoor()
beforeEach(() => {
  door.workflows.command.mockReset().mockResolvedValue()
  door.returnWorkflows.operate.mockReset().mockResolvedValue(true)
})

const end = async (orderId: string) => {
  const record = createRecordProgress(door.transact)
  await record({ orderId, status: 'reserving', steps: [] })
  await record({ orderId, status: 'rejected', steps: [] })
}

describe('POST /api/v1/orders/:id/operations', () => {
  const operate = (id: string, body: object, options = {}) =>
    door.post(operator, `/api/v1/orders/${id}/operations`, { note: 'seen to', ...body }, options)
  const concern = (orderId: string, source = 's') =>
    createRaiseConcern(door.transact)({ orderId, source, step: 'ship', operation: 'deliver', error: 'late' })
  const question = { step: 'pay', operation: 'capture', error: 'e', attempts: 3 }
  const listed = async (id: string) =>
    (await door.get(operator, '/api/v1/operations/attention?limit=100')).body.data.filter(
      ({ orderId }: { orderId: string }) => orderId === id,
    )

  it('resolves what no workflow waits for, also of an order that has ended, once for a key', async () => {
    const { id } = await door.place(ada)
    await concern(id)
    await end(id)
    const key = randomUUID()
    const first = await operate(id, { action: 'resolve' }, { key })
    expect([first.status, first.body.needsAttention]).toEqual([202, false])
    const again = await operate(id, { action: 'resolve' }, { key })
    expect([again.body, again.headers['idempotency-replayed']]).toEqual([first.body, 'true'])
    expect(await listed(id)).toEqual([])
    expect(door.workflows.command).not.toHaveBeenCalled()
    expect((await operate(id, { action: 'resolve' })).body.code).toBe('no_operation_waiting')
  })

  it('has nothing to retry there, and changes nothing', async () => {
    const { id } = await door.place(ada)
    await concern(id)
    const before = await listed(id)
    expect((await operate(id, { action: 'retry' })).body.code).toBe('no_operation_waiting')
    expect(await listed(id)).toEqual(before)
  })

  it('answers the only open question also unnamed, and names it where the operator does', async () => {
    const { id } = await door.place(ada)
    const since = '2026-01-01T00:00:00.000Z'
    await createRaiseAttention(door.transact)({ orderId: id, ...question, since })
    expect((await operate(id, { action: 'retry' })).status).toBe(202)
    await concern(id)
    expect((await operate(id, { action: 'retry', since })).status).toBe(202)
    expect(door.workflows.command.mock.calls.map(([, { argument }]) => argument)).toEqual([
      { action: 'retry', note: 'seen to', by: op },
      { action: 'retry', note: 'seen to', since, by: op },
    ])
    expect(await listed(id)).toHaveLength(2)
  })

  it.each(['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.0Z', '2026-01-01T00:00:00.000000Z'])(
    'knows the question by its moment, however that is written: %s',
    async (written) => {
      const { id } = await door.place(ada)
      const since = '2026-01-01T00:00:00.000Z'
      await createRaiseAttention(door.transact)({ orderId: id, ...question, since })
      await concern(id, 'one')
      await concern(id, 'two')
      expect((await operate(id, { action: 'retry', since: written })).status).toBe(202)
      expect(door.workflows.command.mock.calls.map(([, { argument }]) => argument)).toEqual([
        { action: 'retry', note: 'seen to', since, by: op },
      ])
      expect(await listed(id)).toHaveLength(3)
      await door.database.concern.updateMany({
        where: { orderId: id, source: 'one' },
        data: { since: new Date('2026-01-02T00:00:00Z') },
      })
      const next = written.replace('01T', '02T')
      expect((await operate(id, { action: 'resolve', since: next })).status).toBe(202)
      const left = await door.database.concern.findMany({ where: { orderId: id, settledAt: null } })
      expect(left.map(({ source }) => source)).toEqual(['two'])
    },
  )

  it('wants to know which one is meant when several are open, and changes nothing until then', async () => {
    const { id } = await door.place(ada)
    await concern(id, 'one')
    const since = '2026-01-01T00:00:00.000Z'
    await createRaiseAttention(door.transact)({ orderId: id, ...question, since })
    const before = await listed(id)
    const key = randomUUID()
    const refused = await operate(id, { action: 'resolve' }, { key })
    expect([refused.status, refused.body.code]).toEqual([409, 'several_operations_waiting'])
    expect(refused.body.detail).toContain('`since`')
    expect(await listed(id)).toEqual(before)
    expect(door.workflows.command).not.toHaveBeenCalled()
  })

  it('hands to a return what it asks, and leaves its concern to it', async () => {
    const { id } = await door.place(ada)
    const returnId = randomUUID()
    await concern(id, `return:${returnId}:refundPayment`)
    await concern(id, `return:${returnId}:overdue`)
    expect((await listed(id)).map(({ actions }: { actions: string[] }) => actions)).toEqual([
      ['retry', 'resolve'],
      ['resolve'],
    ])
    const [asked, overdue] = (await listed(id)).map(({ since }: { since: string }) => since)
    expect((await operate(id, { action: 'retry' })).body.code).toBe('several_operations_waiting')
    expect((await operate(id, { action: 'retry', since: asked })).status).toBe(202)
    expect(door.returnWorkflows.operate).toHaveBeenCalledExactlyOnceWith(
      returnId,
      { action: 'retry', note: 'seen to', by: op, operation: 'refundPayment' },
      expect.stringMatching(`:${returnId}$`),
    )
    expect(await listed(id)).toHaveLength(2)
    await operate(id, { action: 'resolve', since: overdue })
    const left = await door.database.concern.findMany({ where: { orderId: id, settledAt: null } })
    expect(left.map(({ source }) => source)).toEqual([`return:${returnId}:refundPayment`])
    // its workflow is gone for good: nobody else can settle it
    door.returnWorkflows.operate.mockResolvedValueOnce(false)
    expect((await operate(id, { action: 'resolve' })).body.needsAttention).toBe(false)
  })

  it('keeps no note of an answer to a return whose customer is erased', async () => {
    const customerId = randomUUID()
    const { id } = await door.place(customerId)
    await end(id)
    await door.database.erasedCustomer.create({ data: { customerId } })
    await concern(id, `return:${randomUUID()}:refundPayment`)
    expect((await operate(id, { action: 'retry', note: 'Told Jane Doe' })).status).toBe(202)
    const entries = await door.database.timelineEntry.findMany({ where: { orderId: id, kind: 'operator' } })
    expect(entries.map(({ detail }) => detail)).toEqual([`${op}: erased`])
  })

  it('tells a return that asks two things which of them is answered', async () => {
    const { id } = await door.place(ada)
    const returnId = randomUUID()
    for (const operation of ['refundPayment', 'restock']) await concern(id, `return:${returnId}:${operation}`)
    const [, restock] = await listed(id)
    expect((await operate(id, { action: 'resolve', since: restock.since })).status).toBe(202)
    expect(door.returnWorkflows.operate.mock.calls.map(([, answer]) => answer)).toEqual([
      { action: 'resolve', note: 'seen to', by: op, operation: 'restock' },
    ])
  })

  it('leaves alone what the operator did not mean', async () => {
    const { id } = await door.place(ada)
    await concern(id, 'one')
    await door.database.concern.updateMany({
      where: { orderId: id },
      data: { since: new Date('2026-01-02T00:00:00.000Z') },
    })
    await concern(id, 'two')
    const late = await operate(id, { action: 'resolve', since: '2026-01-01T00:00:00.000Z' })
    expect(late.body.code).toBe('no_operation_waiting')
    await operate(id, { action: 'resolve', since: '2026-01-02T00:00:00.000Z' })
    const left = await door.database.concern.findMany({ where: { orderId: id, settledAt: null } })
    expect(left.map(({ source }) => source)).toEqual(['two'])
  })

  it('asks the workflow where the row knows of nothing: it has the last word', async () => {
    const { id } = await door.place(ada)
    door.workflows.command.mockRejectedValueOnce(new ProblemError('no_operation_waiting', 'Nothing waits.'))
    expect((await operate(id, { action: 'retry' })).body.code).toBe('no_operation_waiting')
    expect(door.workflows.command).toHaveBeenCalledOnce()
    expect((await operate(randomUUID(), { action: 'retry' })).body.code).toBe('not_found')
  })
})
