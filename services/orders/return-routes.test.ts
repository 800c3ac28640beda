import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { Return } from '#contracts/http/returns.ts'
import type { ShipmentStatus } from '#contracts/states.ts'
import { ProblemError } from '#platform/problem.ts'
import { temporalAway } from '#platform/temporal/errors.ts'
import { parser } from '#platform/validation.ts'
import {
  ada,
  customer,
  op,
  operator,
  RETURN_TERMS,
  stranger,
  type Caller,
} from '#tests/support/orders-door.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { returnsDoor, wanted } from '#tests/support/returns-door.ts'
import { projectWarehouse } from './projections/warehouse.ts'
import { startReturnRelay } from './returns/start-returns.ts'

const parseReturn = parser('the return', Return)
const door = await returnsDoor()
const { request, sent, walk } = door
const stockAdjusted = (warehouse: string): AnyDomainEvent => ({
  eventId: randomUUID(),
  eventType: 'stock.adjusted',
  aggregateId: randomUUID(),
  version: 1,
  timestamp: new Date().toISOString(),
  payload: { sku: 'TEE', warehouse, delta: 1, reason: 'first delivery' },
})

describe('POST /api/v1/orders/:id/returns', () => {
  it('answers 201 with the return, tells of it, and starts its workflow', async () => {
    const { id } = await sent()
    const { status, headers, body } = await request(id)
    expect(status).toBe(201)
    expect(parseReturn(body)).toEqual({
      id: body.id,
      orderId: id,
      status: 'requested',
      lines: wanted(1).lines,
      refund: null,
    })
    expect(headers['location']).toBe(`/api/v1/returns/${body.id}`)
    expect(await door.events(body.id)).toEqual([[1, 'return.requested']])
    await vi.waitFor(
      () =>
        expect(door.returnWorkflows.start).toHaveBeenCalledExactlyOnceWith({
          returnId: body.id,
          orderId: id,
          customerId: ada,
          number: expect.stringMatching(/^M-/),
          currency: 'EUR',
          lines: [{ sku: 'TEE', quantity: 1 }],
          ...RETURN_TERMS,
        }),
      10_000,
    )
    const order = await door.get(customer, `/api/v1/orders/${id}`)
    expect([order.body.returns, order.body.actions]).toEqual([[body], ['return']])
    const [event] = await door.database.outbox.findMany({ where: { aggregateId: body.id } })
    expect(JSON.stringify(event?.payload)).not.toContain('small')
  })

  it('is one return for one key, and two for two', async () => {
    const { id } = await sent()
    const key = randomUUID()
    const first = await request(id, wanted(1), { key })
    const again = await request(id, wanted(1), { key })
    expect([again.body, again.headers['idempotency-replayed']]).toEqual([first.body, 'true'])
    expect([first.headers['etag'], again.headers['etag']]).toEqual(['"1"', '"1"'])
    await request(id, wanted(1))
    expect(await door.database.return.count({ where: { orderId: id } })).toBe(2)
  })

  it('never takes more than was delivered, however many ask at once', async () => {
    const { id } = await sent()
    const answers = await Promise.all(Array.from({ length: 8 }, () => request(id, wanted(1))))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3)
    expect(new Set(answers.map(({ body }) => body.code))).toEqual(
      new Set([undefined, 'return_exceeds_delivered']),
    )
    expect(await door.database.return.count({ where: { orderId: id } })).toBe(3)
  })

  it('takes again what was rejected or cancelled, and not what was refunded', async () => {
    const { id } = await sent([['delivered', 1]], { quantity: 1 })
    const first = await request(id)
    await walk(first.body.id, 'rejected')
    const second = await request(id)
    await walk(second.body.id, 'approved', 'cancelled')
    const third = await request(id)
    expect(third.status).toBe(201)
    await walk(third.body.id, 'approved', 'received', 'refunded')
    expect((await request(id)).body.code).toBe('return_exceeds_delivered')
  })

  it.each<[string, [ShipmentStatus, number][], object, unknown, number, string]>([
    ['more than was delivered', [['delivered', 1]], {}, wanted(2), 422, 'return_exceeds_delivered'],
    ['what is on its way', [['dispatched', 3]], {}, wanted(1), 422, 'return_exceeds_delivered'],
    ['what was lost', [['lost', 3]], {}, wanted(1), 422, 'return_exceeds_delivered'],
    ['what was not ordered', [['delivered', 3]], {}, wanted(1, 'BOOK'), 422, 'return_exceeds_delivered'],
    ['too late', [['delivered', 3]], { days: -1 }, wanted(1), 409, 'return_window_closed'],
    ['nothing', [['delivered', 3]], {}, { lines: [] }, 400, 'validation_failed'],
    [
      'without saying why',
      [['delivered', 3]],
      {},
      { lines: [{ sku: 'TEE', quantity: 1 }] },
      400,
      'validation_failed',
    ],
    [
      'with a field of its own',
      [['delivered', 3]],
      {},
      { ...wanted(1), refund: 9 },
      400,
      'validation_failed',
    ],
  ])('refuses %s, and writes nothing', async (_what, parcels, options, body, status, code) => {
    const { id } = await sent(parcels, options)
    const before = await door.counts()
    const answer = await request(id, body)
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(await door.counts()).toEqual(before)
    expect(await door.database.return.count({ where: { orderId: id } })).toBe(0)
  })

  it('is the customer’s own and needs a key', async () => {
    const { id } = await sent()
    expect((await request(id, wanted(1), {}, stranger)).body.code).toBe('not_found')
    expect((await request(id, wanted(1), {}, operator)).body.code).toBe('forbidden')
    expect((await request(id, wanted(1), { key: null })).body.code).toBe('idempotency_key_missing')
    expect((await request(id, wanted(1), { headers: { 'if-match': '"1"' } })).body.code).toBe('stale_version')
    expect(await door.database.return.count({ where: { orderId: id } })).toBe(0)
  })

  it('starts later what could not be started', async () => {
    door.returnWorkflows.start.mockRejectedValueOnce(new Error('away'))
    const { id } = await sent()
    const { status, body } = await request(id)
    expect(status).toBe(201)
    await door.database.return.update({ where: { id: body.id }, data: { createdAt: new Date(0) } })
    const { database, returnWorkflows } = door
    const relay = startReturnRelay({ database, returnWorkflows, terms: RETURN_TERMS, logger: silentLogger })
    await vi.waitFor(async () => {
      const row = await database.return.findUniqueOrThrow({ where: { id: body.id } })
      expect(row.startedAt).not.toBeNull()
    }, 10_000)
    await relay.stop()
    expect(returnWorkflows.start).toHaveBeenCalledTimes(2)
  })
})

describe('GET /api/v1/returns', () => {
  it('shows customers theirs, operators everybody’s, by status and page', async () => {
    const { id } = await sent()
    const mine = [await request(id), await request(id)].map(({ body }) => body.id as string)
    await walk(mine[0]!, 'rejected')
    const idsFor = async (who: Caller, query = '') =>
      (await door.get(who, `/api/v1/returns?${query}`)).body.data.map((one: { id: string }) => one.id)
    expect((await idsFor(customer)).slice(0, 2)).toEqual(mine.toReversed())
    expect(await idsFor(stranger)).toEqual([])
    expect(await idsFor(operator, 'limit=2')).toEqual(mine.toReversed())
    expect(await idsFor(customer, 'status=rejected&limit=1')).toEqual([mine[0]])
    const first = await door.get(customer, '/api/v1/returns?limit=1')
    expect(await idsFor(customer, `limit=1&cursor=${first.body.nextCursor}`)).toEqual([mine[0]])
    expect((await door.get(customer, '/api/v1/returns?status=lost')).body.code).toBe('validation_failed')
  })

  it('shows one, to those who may know of it', async () => {
    const { body } = await request((await sent()).id)
    const path = `/api/v1/returns/${body.id}`
    expect((await door.get(customer, path)).body).toEqual(body)
    expect((await door.get(operator, path)).headers['etag']).toBe('"1"')
    expect((await door.get(stranger, path)).body.code).toBe('not_found')
  })
})

describe('POST /api/v1/returns/:id/…', () => {
  const receipt = { warehouse: 'AMS', disposition: 'restock' }
  it.each<[string, Caller, object, object]>([
    ['approve', operator, {}, { by: op }],
    ['reject', operator, { reason: 'worn' }, { by: op, reason: 'worn' }],
    ['receive', operator, receipt, { by: op, ...receipt }],
    ['cancel', customer, {}, { by: ada }],
  ])('%s is handed to the workflow, once for a key', async (name, who, body, argument) => {
    const { id } = (await request((await sent()).id)).body
    const key = randomUUID()
    const path = `/api/v1/returns/${id}/${name}`
    const first = await door.post(who, path, body, { key })
    const again = await door.post(who, path, body, { key })
    expect([first.status, again.status, again.body]).toEqual([202, 202, first.body])
    expect(door.returnWorkflows.command).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ returnId: id }),
      { name, argument },
      expect.any(String),
      { mayStart: true },
    )
  })

  it.each<[string, Caller, object]>([
    ['approve', operator, {}],
    ['reject', operator, {}],
    ['receive', operator, receipt],
    ['cancel', customer, {}],
  ])('%s answers with the ETag of what it shows, and so does its repeat', async (name, who, body) => {
    const { id } = (await request((await sent()).id)).body
    await walk(id, 'approved')
    const [key, path] = [randomUUID(), `/api/v1/returns/${id}/${name}`]
    const first = await door.post(who, path, body, { key })
    const { headers: read, body: shown } = await door.get(who, `/api/v1/returns/${id}`)
    await walk(id, 'cancelled')
    const again = await door.post(who, path, body, { key })
    expect([read['etag'], first.headers['etag'], again.headers['etag']]).toEqual(['"2"', '"2"', '"2"'])
    expect([first.body, again.body]).toEqual([shown, shown])
  })

  it('of a caller without a key is answered with the ETag too', async () => {
    const { id } = (await request((await sent()).id)).body
    const cancelled = await door.post(customer, `/api/v1/returns/${id}/cancel`, {}, { key: null })
    expect([cancelled.status, cancelled.headers['etag']]).toEqual([202, '"1"'])
  })

  it('gives back an answer that was stored without its version, without an ETag', async () => {
    const { id } = (await request((await sent()).id)).body
    const key = randomUUID()
    const cancel = () => door.post(customer, `/api/v1/returns/${id}/cancel`, {}, { key })
    const { body } = await cancel()
    await door.database.idempotencyKey.updateMany({ where: { key }, data: { body } })
    const again = await cancel()
    expect([again.body, again.headers['etag']]).toEqual([body, undefined])
  })

  it('is not received in a warehouse that nobody knows', async () => {
    const { id } = (await request((await sent()).id)).body
    await walk(id, 'approved')
    const receive = (warehouse: string) =>
      door.post(operator, `/api/v1/returns/${id}/receive`, { ...receipt, warehouse })
    const before = await door.counts()
    const answer = await receive('XXX')
    expect([answer.status, answer.body.code]).toEqual([422, 'warehouse_unknown'])
    expect(await door.counts()).toEqual(before)
    expect(door.returnWorkflows.command).not.toHaveBeenCalled()
    // its stock was counted, though it has sent nothing yet
    await projectWarehouse(door.database, stockAdjusted('HUB'))
    await projectWarehouse(door.database, stockAdjusted('HUB'))
    expect((await receive('HUB')).status).toBe(202)
  })

  it('stays accepted when its first answer got lost and the return has ended meanwhile', async () => {
    const { id } = (await request((await sent()).id)).body
    const [key, headers] = [randomUUID(), { 'if-match': '"1"' }]
    const reject = () => door.post(operator, `/api/v1/returns/${id}/reject`, {}, { key, headers })
    expect((await reject()).status).toBe(202)
    await door.database.idempotencyKey.deleteMany({ where: { key } })
    await walk(id, 'rejected')
    door.returnWorkflows.command.mockClear()
    expect(await reject()).toMatchObject({ status: 202, body: { id, status: 'rejected' } })
    expect(door.returnWorkflows.command).not.toHaveBeenCalled()
  })

  it('is refused to those who may not, and for what makes no sense', async () => {
    const { id } = (await request((await sent()).id)).body
    const code = async (who: Caller, name: string, body = {}, options = {}) =>
      (await door.post(who, `/api/v1/returns/${id}/${name}`, body, options)).body.code
    for (const name of ['approve', 'reject', 'receive']) expect(await code(customer, name)).toBe('forbidden')
    expect(await code(stranger, 'cancel')).toBe('not_found')
    expect(await code(operator, 'cancel')).toBe('forbidden')
    expect(await code(operator, 'receive', { warehouse: 'AMS' })).toBe('validation_failed')
    expect(await code(operator, 'approve', { amount: 1 })).toBe('validation_failed')
    const keyless = { key: null }
    expect(await code(operator, 'approve', {}, keyless)).toBe('idempotency_key_missing')
    expect(await code(operator, 'receive', receipt, keyless)).toBe('idempotency_key_missing')
    expect(await code(operator, 'approve', {}, { headers: { 'if-match': '"7"' } })).toBe('stale_version')
    expect(door.returnWorkflows.command).not.toHaveBeenCalled()
  })

  it('is 409 when the workflow refuses or the return has ended, 503 while Temporal is away', async () => {
    const { id } = (await request((await sent()).id)).body
    const approve = async () => (await door.post(operator, `/api/v1/returns/${id}/approve`)).body
    const refusal = new ProblemError('return_transition_refused', 'It was approved.')
    door.returnWorkflows.command.mockRejectedValueOnce(refusal)
    expect(await approve()).toMatchObject({ status: 409, code: 'return_transition_refused' })
    door.returnWorkflows.command.mockRejectedValueOnce(temporalAway(new Error('away')))
    expect(await approve()).toMatchObject({ status: 503 })
    await walk(id, 'rejected')
    door.returnWorkflows.command.mockClear()
    expect(await approve()).toMatchObject({ code: 'return_transition_refused' })
    expect(door.returnWorkflows.command).not.toHaveBeenCalled()
  })
})
