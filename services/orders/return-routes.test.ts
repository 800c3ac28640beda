import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Return } from '#contracts/http/returns.ts'
import type { OrderStatus, ShipmentStatus } from '#contracts/states.ts'
import { ProblemError } from '#platform/problem.ts'
import { temporalAway } from '#platform/temporal/errors.ts'
import { parser } from '#platform/validation.ts'
import { ordersDoor, RETURN_TERMS, type Caller, type OrdersDoor } from '#tests/support/orders-door.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { createRecordProgress } from './record-progress.ts'
import { createQuoteLostParcel } from './returns/quote-lost-parcel.ts'
import { createRecordReturn } from './returns/record-return.ts'
import { startReturnRelay } from './returns/start-returns.ts'

const [ada, bob, op] = [randomUUID(), randomUUID(), randomUUID()]
const customer: Caller = ['customer', ada]
const stranger: Caller = ['customer', bob]
const operator: Caller = ['operator', op]
const parseReturn = parser('the return', Return)

let door: OrdersDoor
let record: ReturnType<typeof createRecordReturn>
beforeAll(async () => {
  door = await ordersDoor()
  record = createRecordReturn(door.transact)
})
beforeEach(() => {
  door.returnWorkflows.start.mockReset().mockResolvedValue()
  door.returnWorkflows.command.mockReset().mockResolvedValue()
})

const DAY = 86_400_000
/** An order whose parcels are where the test wants them. */
async function sent(
  parcels: [ShipmentStatus, number][] = [['delivered', 3]],
  { days = 30, quantity = 3, ended = true } = {},
): Promise<{ id: string; parcels: string[] }> {
  const { id } = await door.place(ada, { lines: [{ sku: 'TEE', quantity }] })
  const progress = createRecordProgress(door.transact)
  const path: OrderStatus[] = ['reserving', 'authorizing', 'confirmed', 'fulfilling']
  for (const status of ended ? [...path, 'completed' as const] : path) {
    await progress({ orderId: id, status, steps: [] })
  }
  const ids: string[] = []
  for (const [status, units] of parcels) {
    const shipment = await door.database.orderShipment.create({
      data: {
        id: randomUUID(),
        orderId: id,
        warehouse: 'AMS',
        status,
        lines: [{ sku: 'TEE', quantity: units }],
        history: [],
        returnableUntil: status === 'delivered' ? new Date(Date.now() + days * DAY) : null,
      },
    })
    ids.push(shipment.id)
  }
  return { id, parcels: ids }
}
const wanted = (quantity: number, sku = 'TEE') => ({ lines: [{ sku, quantity, reason: 'too small' }] })
const request = (id: string, body: unknown = wanted(1), options = {}, who = customer) =>
  door.post(who, `/api/v1/orders/${id}/returns`, body, options)
const walk = async (returnId: string, ...statuses: Parameters<typeof record>[0]['status'][]) => {
  let amount
  for (const status of statuses) amount = await record({ returnId, status })
  return amount
}

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
    await vi.waitFor(() =>
      expect(door.returnWorkflows.start).toHaveBeenCalledExactlyOnceWith({
        returnId: body.id,
        orderId: id,
        customerId: ada,
        number: expect.stringMatching(/^M-/),
        currency: 'EUR',
        lines: [{ sku: 'TEE', quantity: 1 }],
        ...RETURN_TERMS,
      }),
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
    })
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
    )
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

describe('what a return gives back', () => {
  // three shirts: 59.70 net, 12.54 tax; shipping 4.90 and 1.03
  const refundOf = async (id: string) =>
    (await door.database.return.findUniqueOrThrow({ where: { id } })) as { goods: bigint; shipping: bigint }

  it('is known once it is agreed to, and stays', async () => {
    const { id } = (await request((await sent()).id)).body
    expect(await record({ returnId: id, status: 'approved' })).toEqual({ amount: 2408, shipping: 0 })
    const again = await Promise.all(
      Array.from({ length: 5 }, () => record({ returnId: id, status: 'approved' })),
    )
    expect(new Set(again.map(({ amount }) => amount))).toEqual(new Set([2408]))
    expect(await record({ returnId: id, status: 'received' })).toEqual({ amount: 2408, shipping: 0 })
    expect(await record({ returnId: id, status: 'refunded' })).toEqual({ amount: 2408, shipping: 0 })
    expect((await door.events(id)).map(([, type]) => type)).toEqual([
      'return.requested',
      'return.approved',
      'return.received',
      'return.refunded',
    ])
    expect((await door.get(customer, `/api/v1/returns/${id}`)).body.refund).toBe(2408)
  })

  it('includes the shipping cost when nothing is kept, once', async () => {
    const { id } = await sent()
    const returns = []
    for (const units of [1, 2]) returns.push((await request(id, wanted(units))).body.id)
    expect(await walk(returns[0], 'approved', 'received')).toEqual({ amount: 2408, shipping: 0 })
    expect(await walk(returns[1], 'approved')).toEqual({ amount: 4816 + 593, shipping: 593 })
    const { total } = (await door.get(customer, `/api/v1/orders/${id}`)).body
    expect(2408 + 4816 + 593).toBe(total)
  })

  it('leaves out what a lost parcel gave back, which is said once', async () => {
    const quote = createQuoteLostParcel(door.transact)
    const { id, parcels } = await sent(
      [
        ['delivered', 2],
        ['lost', 1],
      ],
      { ended: false },
    )
    const lost = { orderId: id, shipmentId: parcels[1]! }
    const answers = await Promise.all(Array.from({ length: 5 }, () => quote(lost)))
    expect(new Set(answers.map(({ amount }) => amount))).toEqual(new Set([2408]))
    const { body } = await request(id, wanted(2))
    expect(await walk(body.id, 'approved')).toEqual({ amount: 4816 + 593, shipping: 593 })
    expect(await refundOf(body.id)).toMatchObject({ goods: 4816n, shipping: 593n })
  })

  it('is everything, once, when what replaces a lost parcel is lost too, or given up', async () => {
    const quote = createQuoteLostParcel(door.transact)
    for (const status of ['lost', 'cancelled'] as const) {
      const { id, parcels } = await sent(
        [
          ['lost', 3],
          [status, 3],
        ],
        { ended: false },
      )
      const replacement = { orderId: id, shipmentId: parcels[1]!, replaces: parcels[0]! }
      expect(await quote(replacement)).toEqual({ amount: 7817 })
      expect(await quote(replacement)).toEqual({ amount: 7817 })
    }
    const { id, parcels } = await sent([['cancelled', 3]], { ended: false })
    await expect(quote({ orderId: id, shipmentId: parcels[0]! })).rejects.toThrow('not known here yet')
  })

  it('is everything when the only parcel is lost; a loss that is not known here yet is asked for again', async () => {
    const quote = createQuoteLostParcel(door.transact)
    const { id, parcels } = await sent([['dispatched', 3]], { ended: false })
    const lost = { orderId: id, shipmentId: parcels[0]! }
    await expect(quote(lost)).rejects.toThrow('not known here yet')
    await door.database.orderShipment.update({ where: { id: parcels[0]! }, data: { status: 'lost' } })
    expect(await quote(lost)).toEqual({ amount: 7817 })
  })

  it.each<['received' | 'rejected' | 'approved' | 'refunded', ...Parameters<typeof walk>[1][]]>([
    ['received'],
    ['approved', 'rejected'],
    ['refunded', 'approved'],
  ])('is never %s from %s: that is refused for good', async (status, ...steps) => {
    const { id } = (await request((await sent()).id)).body
    await walk(id, ...steps)
    const rowOf = async () => {
      const {
        version,
        status: standing,
        goods,
      } = await door.database.return.findUniqueOrThrow({ where: { id } })
      return { version, standing, goods }
    }
    const before = [await rowOf(), await door.events(id)]
    await expect(record({ returnId: id, status })).rejects.toMatchObject({
      nonRetryable: true,
      type: 'Refused',
    })
    expect([await rowOf(), await door.events(id)]).toEqual(before)
  })
})
