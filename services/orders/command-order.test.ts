import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Order } from '#contracts/http/orders.ts'
import { ProblemError } from '#platform/problem.ts'
import { temporalAway } from '#platform/temporal/errors.ts'
import { parser } from '#platform/validation.ts'
import { customer, ordersServer, type CallOptions, type Who } from '#tests/support/orders-server.ts'
import { createRaiseAttention } from './attention.ts'
import { createRecordProgress } from './record-progress.ts'

const parseOrder = parser('the answer', Order)
const [ada, operatorId] = [randomUUID(), randomUUID()]
const operator: Who = { subject: operatorId, roles: ['operator'] }

const server = ordersServer()
const { workflows, call, place } = server

describe('POST /api/v1/orders/:id/cancel', () => {
  const cancel = (id: string, options: CallOptions = { body: { reason: 'Too late' } }) =>
    call(customer(ada), 'POST', `/api/v1/orders/${id}/cancel`, options)

  it('hands the command to the workflow and answers 202 with the order', async () => {
    const { body: order } = await place(customer(ada))
    const { status, body } = await cancel(order.id)
    expect(parseOrder(order).actions).toEqual(['cancel', 'amend'])
    expect([status, parseOrder(body).id, parseOrder(body).actions]).toEqual([202, order.id, []])
    expect(workflows.command).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ orderId: order.id }),
      { name: 'cancel', argument: { by: ada, reason: 'Too late' } },
      expect.any(String),
      { mayStart: true },
    )
    const timeline = await call(customer(ada), 'GET', `/api/v1/orders/${order.id}/timeline`)
    expect(timeline.body.data.at(-1)).toMatchObject({ kind: 'request', name: 'cancel', status: 'accepted' })
  })

  it('tells in the timeline which operator did it', async () => {
    const { body: order } = await place(customer(ada))
    const path = `/api/v1/orders/${order.id}`
    expect((await call(operator, 'POST', `${path}/cancel`, { body: {} })).status).toBe(202)
    const timeline = await call(customer(ada), 'GET', `${path}/timeline`)
    expect(timeline.body.data.at(-1)).toMatchObject({ kind: 'operator', name: 'cancel', detail: operatorId })
  })

  it('starts no workflow for an order that is far along', async () => {
    const { body: order } = await place(customer(ada))
    await server.orders.database.order.update({ where: { id: order.id }, data: { status: 'fulfilling' } })
    await cancel(order.id)
    expect(workflows.command.mock.lastCall?.[3]).toEqual({ mayStart: false })
  })

  it('hands a repeated key over once', async () => {
    const { body: order } = await place(customer(ada))
    const key = randomUUID()
    const first = await cancel(order.id, { body: {}, key })
    const repeat = await cancel(order.id, { body: {}, key })
    expect([repeat.status, repeat.body, repeat.headers.get('idempotency-replayed')]).toEqual([
      202,
      first.body,
      'true',
    ])
    expect(workflows.command).toHaveBeenCalledOnce()
  })

  it('is 503 while Temporal is away, and the key is not used up', async () => {
    const { body: order } = await place(customer(ada))
    const key = randomUUID()
    workflows.command.mockRejectedValueOnce(temporalAway(new Error('away')))
    const away = await cancel(order.id, { body: {}, key })
    expect([away.status, away.body.code, away.headers.get('retry-after')]).toEqual([
      503,
      'workflow_engine_unavailable',
      '2',
    ])
    const again = await cancel(order.id, { body: {}, key })
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, null])
    const [firstId, secondId] = workflows.command.mock.calls.map(([, , updateId]) => updateId)
    expect(firstId).toBe(secondId) // the same Update, had the first one got through
  })

  it('is 409 when the workflow refuses or the order is at its end, and changes nothing', async () => {
    const { body: order } = await place(customer(ada))
    workflows.command.mockRejectedValueOnce(
      new ProblemError('order_not_cancellable', 'Every parcel has left.'),
    )
    expect((await cancel(order.id)).body).toMatchObject({
      code: 'order_not_cancellable',
      detail: 'Every parcel has left.',
    })
    const record = createRecordProgress(server.orders.transact)
    await record({ orderId: order.id, status: 'reserving', steps: [] })
    await record({ orderId: order.id, status: 'rejected', steps: [] })
    const before = await server.orders.counts()
    workflows.command.mockClear()
    expect((await cancel(order.id)).body.code).toBe('order_not_cancellable')
    expect(workflows.command).not.toHaveBeenCalled()
    expect(await server.orders.counts()).toEqual(before)
  })

  it('is 412 when the order has changed since it was read', async () => {
    const { body: order } = await place(customer(ada))
    const stale = await cancel(order.id, { body: {}, headers: { 'if-match': '"7"' } })
    expect([stale.status, stale.body.code, workflows.command.mock.calls.length]).toEqual([
      412,
      'stale_version',
      0,
    ])
    expect((await cancel(order.id, { body: {}, headers: { 'if-match': '"1"' } })).status).toBe(202)
  })
})

describe('operations', () => {
  it('are for operators: what waits, and the answer to it', async () => {
    const { body: order } = await place(customer(ada))
    const state = {
      step: 's',
      operation: 'capture',
      error: 'e',
      attempts: 3,
      since: new Date().toISOString(),
    }
    await createRaiseAttention(server.orders.transact)({ orderId: order.id, ...state })
    const waiting = await call(operator, 'GET', '/api/v1/operations/attention')
    expect(waiting.body.data).toEqual([{ orderId: order.id, ...state, actions: ['retry', 'resolve'] }])
    const answer = { action: 'retry', note: 'The bank is back' }
    const path = `/api/v1/orders/${order.id}/operations`
    const done = await call(operator, 'POST', path, { body: answer, key: randomUUID() })
    expect(done.status).toBe(202)
    expect(workflows.command).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ orderId: order.id }),
      { name: 'operate', argument: { ...answer, by: operatorId } },
      expect.any(String),
      { mayStart: true },
    )
    expect((await call(operator, 'POST', path, { body: answer })).body.code).toBe('idempotency_key_missing')
    for (const [method, at] of [
      ['GET', '/api/v1/operations/attention'],
      ['POST', path],
    ] as const) {
      const refused = await call(
        customer(ada),
        method,
        at,
        method === 'POST' ? { body: answer, key: 'k' } : {},
      )
      expect(refused.status).toBe(403)
    }
  })
})
