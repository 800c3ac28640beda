import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { listen } from '#tests/support/event-stream.ts'
import { customer, ordersServer, type Who } from '#tests/support/orders-server.ts'
import { createRecordProgress } from './record-progress.ts'

const [ada, bob] = [randomUUID(), randomUUID()]
const server = ordersServer()
const { call, place } = server

describe('GET /api/v1/orders/:id/events', () => {
  it('is the timeline as it happens, for those who may know of the order', async () => {
    const { body: order } = await place(customer(ada))
    const path = `/api/v1/orders/${order.id}/events`
    const refusal = async (who: Who | undefined, headers = {}) =>
      (await call(who, 'GET', path, { headers })).body.code
    expect(await refusal(customer(bob))).toBe('not_found')
    expect(await refusal(undefined)).toBe('unauthenticated')
    expect(await refusal(customer(ada), { 'last-event-id': 'yesterday' })).toBe('invalid_cursor')

    const authorization = await server.bearer(customer(ada))
    const reader = await listen(server.url + path, { authorization })
    expect([reader.status, reader.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ])
    await vi.waitFor(() => expect(reader.events).toHaveLength(2), 40_000)
    await createRecordProgress(server.orders.transact)({ orderId: order.id, status: 'reserving', steps: [] })
    await vi.waitFor(() => expect(reader.events.at(-1)?.data.name).toBe('order.reserving'), 40_000)
    const resumed = await listen(server.url + path, { authorization, lastEventId: reader.events[1]!.id })
    await vi.waitFor(() => expect(resumed.events).toEqual(reader.events.slice(2)), 40_000)
    reader.close()
    resumed.close()
  })

  it('has no HEAD, which would listen for ever', async () => {
    const { body: order } = await place(customer(ada))
    const path = `/api/v1/orders/${order.id}/events`
    const authorization = await server.bearer(customer(ada))
    for (let each = 0; each < 10; each += 1) {
      const answer = await fetch(server.url + path, { method: 'HEAD', headers: { authorization } })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
    }
    const reader = await listen(server.url + path, { authorization })
    expect(reader.status).toBe(200)
    reader.close()
  })
})
