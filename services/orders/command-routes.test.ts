import { randomUUID } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ProblemError } from '#platform/problem.ts'
import { temporalAway } from '#platform/temporal/errors.ts'
import { ordersDoor, type Caller, type OrdersDoor } from '#tests/support/orders-door.ts'
import { ADDRESS } from '#tests/support/orders.ts'
import { createRaiseAttention } from './attention.ts'
import { createRaiseConcern } from './concerns.ts'
import { createRecordProgress } from './record-progress.ts'

const [ada, bob, op] = [randomUUID(), randomUUID(), randomUUID()]
const customer: Caller = ['customer', ada]
const stranger: Caller = ['customer', bob]
const operator: Caller = ['operator', op]

let door: OrdersDoor
beforeAll(async () => {
  door = await ordersDoor()
})
beforeEach(() => {
  door.workflows.command.mockReset().mockResolvedValue()
  door.workflows.amend.mockReset().mockResolvedValue({ outcome: 'applied' })
})

const pathOf = (id: string, command: string) => `/api/v1/orders/${id}/${command}`
const end = async (orderId: string) => {
  const record = createRecordProgress(door.transact)
  await record({ orderId, status: 'reserving', steps: [] })
  await record({ orderId, status: 'rejected', steps: [] })
}
/** What the customer said is in the database, beside the orders. */
const amendments = () => door.database.amendment.findMany()

describe.each([
  ['decisions', 'decide', { decision: 'ship_available' }, 'no_decision_waiting'],
  [
    'payment-method',
    'changePaymentMethod',
    { paymentMethod: 'pm_card_mastercard' },
    'no_payment_method_waiting',
  ],
] as const)('POST /api/v1/orders/:id/%s', (path, name, body, refusal) => {
  it('hands the answer to the workflow', async () => {
    const { id } = await door.place(ada)
    const answer = await door.post(customer, pathOf(id, path), body, { key: null })
    expect([answer.status, answer.body.id]).toEqual([202, id])
    expect(door.workflows.command).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ orderId: id }),
      { name, argument: { ...body, by: ada } },
      expect.any(String),
    )
  })

  it('hands a repeated key over once', async () => {
    const { id } = await door.place(ada)
    const key = randomUUID()
    const first = await door.post(customer, pathOf(id, path), body, { key })
    const again = await door.post(customer, pathOf(id, path), body, { key })
    expect([again.status, again.body, again.headers['idempotency-replayed']]).toEqual([
      202,
      first.body,
      'true',
    ])
    expect(door.workflows.command).toHaveBeenCalledOnce()
  })

  it('is the customer’s own: to others there is no such order, and operators do not answer for them', async () => {
    const { id } = await door.place(ada)
    expect((await door.post(stranger, pathOf(id, path), body)).body.code).toBe('not_found')
    expect((await door.post(operator, pathOf(id, path), body)).body.code).toBe('forbidden')
    expect(door.workflows.command).not.toHaveBeenCalled()
  })

  it('is 409 when nothing waits for it, also once the order has ended', async () => {
    const { id } = await door.place(ada)
    door.workflows.command.mockRejectedValueOnce(new ProblemError(refusal, 'Nothing waits.'))
    expect((await door.post(customer, pathOf(id, path), body)).body).toMatchObject({
      status: 409,
      code: refusal,
    })
    await end(id)
    door.workflows.command.mockClear()
    expect((await door.post(customer, pathOf(id, path), body)).body.code).toBe(refusal)
    expect(door.workflows.command).not.toHaveBeenCalled()
  })

  it('stays accepted when its first answer got lost and the order has ended meanwhile', async () => {
    const { id } = await door.place(ada)
    const key = randomUUID()
    const send = () => door.post(customer, pathOf(id, path), body, { key })
    expect((await send()).status).toBe(202)
    await end(id)
    // as after a crash before the key was finished
    await door.database.idempotencyKey.deleteMany({ where: { key } })
    expect((await send()).status).toBe(202)
    expect(door.workflows.command).toHaveBeenCalledOnce()
    expect((await door.post(customer, pathOf(id, path), body)).body.code).toBe(refusal)
  })

  it('refuses what it does not know, and an older version', async () => {
    const { id } = await door.place(ada)
    const unknown = await door.post(customer, pathOf(id, path), { ...body, force: true })
    expect(unknown.body.code).toBe('validation_failed')
    const nonsense = Object.fromEntries(Object.keys(body).map((field) => [field, '?']))
    expect((await door.post(customer, pathOf(id, path), nonsense)).body.code).toBe('validation_failed')
    const stale = await door.post(customer, pathOf(id, path), body, { headers: { 'if-match': '"9"' } })
    expect(stale.body.code).toBe('stale_version')
    expect(door.workflows.command).not.toHaveBeenCalled()
  })
})

describe('POST /api/v1/orders/:id/amendments', () => {
  const BERLIN = { ...ADDRESS, line1: 'Unter den Linden 1', city: 'Berlin', country: 'DE' }
  const amend = (id: string, body: unknown, options = {}, who = customer) =>
    door.post(who, pathOf(id, 'amendments'), body, options)

  it('stores what is wanted, tells the workflow its id only, and answers 200 when it is the order', async () => {
    const { id } = await door.place(ada)
    const lines = [{ sku: 'BOOK', quantity: 1 }]
    const answer = await amend(id, { lines, shippingAddress: BERLIN })
    expect([answer.status, answer.body.id]).toEqual([200, id])
    const [[input, command] = []] = door.workflows.amend.mock.calls
    expect([input?.orderId, command?.by]).toEqual([id, ada])
    expect(JSON.stringify(door.workflows.amend.mock.calls)).not.toContain('Linden')
    const stored = await door.database.amendment.findUniqueOrThrow({ where: { id: command!.amendmentId } })
    expect(stored).toMatchObject({ orderId: id, status: 'requested', lines, shippingAddress: BERLIN })
  })

  it('answers 202 while it waits its turn', async () => {
    const { id } = await door.place(ada)
    door.workflows.amend.mockResolvedValueOnce(undefined)
    expect((await amend(id, { shippingAddress: BERLIN })).status).toBe(202)
  })

  it('answers 409 with the reason when it comes to nothing', async () => {
    const { id } = await door.place(ada)
    const message = 'There is not enough of TEE.'
    door.workflows.amend.mockResolvedValueOnce({ outcome: 'refused', code: 'out_of_stock', message })
    const answer = await amend(id, { lines: [{ sku: 'TEE', quantity: 9 }] })
    expect(answer.body).toMatchObject({ status: 409, code: 'amendment_refused', detail: message })
  })

  it('keeps nothing of what the workflow does not even take', async () => {
    const { id } = await door.place(ada)
    const before = await amendments()
    door.workflows.amend.mockRejectedValueOnce(new ProblemError('order_not_amendable', 'It is packed.'))
    expect((await amend(id, { shippingAddress: BERLIN })).body.code).toBe('order_not_amendable')
    expect(await amendments()).toEqual(before)
  })

  it('is one amendment however often it is sent: after a 503, and with the answer lost', async () => {
    const { id } = await door.place(ada)
    const [key, body] = [randomUUID(), { shippingAddress: BERLIN }]
    door.workflows.amend.mockRejectedValueOnce(temporalAway(new Error('away')))
    expect((await amend(id, body, { key })).status).toBe(503)
    expect((await amend(id, body, { key })).status).toBe(200)
    const [first, second] = door.workflows.amend.mock.calls
    expect(first?.[1]).toEqual(second?.[1])
    // the key is lost, as after a crash before it was finished: what was settled is the answer
    await door.database.idempotencyKey.deleteMany({ where: { key } })
    const { amendmentId } = second![1]
    await door.database.amendment.update({ where: { id: amendmentId }, data: { status: 'applied' } })
    expect((await amend(id, body, { key })).status).toBe(200)
    expect(door.workflows.amend).toHaveBeenCalledTimes(2)
  })

  it.each([
    ['nothing', {}, 'validation_failed'],
    ['no lines', { lines: [] }, 'validation_failed'],
    [
      '51 lines',
      { lines: Array.from({ length: 51 }, () => ({ sku: 'TEE', quantity: 1 })) },
      'validation_failed',
    ],
    ['another field', { shippingAddress: ADDRESS, total: 1 }, 'validation_failed'],
    ['a price', { lines: [{ sku: 'TEE', quantity: 1, price: 1 }] }, 'validation_failed'],
    ['half an address', { shippingAddress: { name: 'Ada' } }, 'validation_failed'],
    ['an unknown product', { lines: [{ sku: 'NOPE', quantity: 1 }] }, 'unknown_sku'],
    ['what is not for sale', { lines: [{ sku: 'OLD', quantity: 1 }] }, 'product_inactive'],
    ['another currency', { lines: [{ sku: 'YEN', quantity: 1 }] }, 'currency_mismatch'],
  ])('refuses %s at once, and keeps nothing', async (_what, body, code) => {
    const { id } = await door.place(ada)
    const before = await amendments()
    expect((await amend(id, body)).body.code).toBe(code)
    expect(await amendments()).toEqual(before)
    expect(door.workflows.amend).not.toHaveBeenCalled()
  })

  it('is the customer’s own, needs a key, and the version it names', async () => {
    const { id } = await door.place(ada)
    const body = { shippingAddress: BERLIN }
    expect((await amend(id, body, {}, stranger)).body.code).toBe('not_found')
    expect((await amend(id, body, {}, operator)).body.code).toBe('forbidden')
    expect((await amend(id, body, { key: null })).body.code).toBe('idempotency_key_missing')
    expect((await amend(id, body, { headers: { 'if-match': '"2"' } })).body.code).toBe('stale_version')
    await end(id)
    expect((await amend(id, body)).body.code).toBe('order_not_amendable')
    expect(door.workflows.amend).not.toHaveBeenCalled()
    expect(await door.database.amendment.count({ where: { orderId: id } })).toBe(0)
  })
})

describe('POST /api/v1/orders/:id/operations', () => {
  const operate = (id: string, body: object, options = {}) =>
    door.post(operator, pathOf(id, 'operations'), { note: 'seen to', ...body }, options)
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

  it('answers the saga’s question first, and names it where the operator does', async () => {
    const { id } = await door.place(ada)
    await concern(id)
    const since = '2026-01-01T00:00:00.000Z'
    await createRaiseAttention(door.transact)({ orderId: id, ...question, since })
    expect((await operate(id, { action: 'retry' })).status).toBe(202)
    expect((await operate(id, { action: 'retry', since })).status).toBe(202)
    expect(door.workflows.command.mock.calls.map(([, { argument }]) => argument)).toEqual([
      { action: 'retry', note: 'seen to', by: op },
      { action: 'retry', note: 'seen to', since, by: op },
    ])
    expect(await listed(id)).toHaveLength(2)
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
    expect((await operate(id, { action: 'retry' })).status).toBe(202)
    expect(door.returnWorkflows.operate).toHaveBeenCalledExactlyOnceWith(
      returnId,
      { action: 'retry', note: 'seen to', by: op },
      expect.stringMatching(`:${returnId}$`),
    )
    expect(await listed(id)).toHaveLength(2)
    await operate(id, { action: 'resolve' })
    const left = await door.database.concern.findMany({ where: { orderId: id, settledAt: null } })
    expect(left.map(({ source }) => source)).toEqual([`return:${returnId}:refundPayment`])
    // its workflow is gone for good: nobody else can settle it
    door.returnWorkflows.operate.mockResolvedValueOnce(false)
    expect((await operate(id, { action: 'resolve' })).body.needsAttention).toBe(false)
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
