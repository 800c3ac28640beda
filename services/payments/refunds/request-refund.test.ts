import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Caller } from '#platform/service-token.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { openDoor } from '../test-support/door.ts'
import { answerSoon, createMemoryProvider, type MemoryProvider } from '../test-support/memory-provider.ts'
import { createPayments, findViolations, newOrder, readBooks } from '../test-support/payments.ts'

const lost = new Error('the answer was lost')

const database = await paymentsStore()
let provider: MemoryProvider
let payments: ReturnType<typeof createPayments>
let order: ReturnType<typeof newOrder>
let caller: Caller
beforeEach(async () => {
  provider = createMemoryProvider()
  payments = createPayments(database, provider)
  order = newOrder()
  caller = { kind: 'user', subject: randomUUID(), roles: ['operator'], scopes: ['*'] }
  await payments.authorize(order)
})

const capture = (amount = 10_000) =>
  payments.capture({ orderId: order.orderId, shipmentId: randomUUID(), amount, shipping: 0 })
const refunded = () => provider.authorizations[0]?.refunded
const violations = () => findViolations(database, order.orderId, provider.authorizations)

const door = () => openDoor({ database, payments, caller })

async function post(
  payload: object,
  key: string | undefined = randomUUID(),
  orderId = order.orderId,
  headers: Record<string, string> = {},
) {
  const answer = await door().inject({
    method: 'POST',
    url: `/api/v1/orders/${orderId}/refunds`,
    payload,
    headers: { ...headers, ...(key === '' ? {} : { 'idempotency-key': key }) },
  })
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers }
}

const list = async () =>
  (await door().inject({ method: 'GET', url: `/api/v1/orders/${order.orderId}/payments` })).json().data[0]

describe('POST /api/v1/orders/:id/refunds', () => {
  it('says in its event who gave it back; what the platform gives back says nobody', async () => {
    await capture()
    await post({ amount: 2_500, reason: 'scratched' })
    await payments.refund({ orderId: order.orderId, refundId: randomUUID(), amount: 100, reason: 'return' })
    const told = await database.outbox.findMany({
      where: { type: 'payment.refunded', payload: { path: ['orderId'], equals: order.orderId } },
      orderBy: { id: 'asc' },
    })
    expect(told.map(({ payload }) => (payload as { refundedBy?: string }).refundedBy)).toEqual([
      caller.subject,
      undefined,
    ])
  })

  it('gives back a part, then all that is left, and both are listed', async () => {
    await capture()
    const first = await post({ amount: 2_500, reason: 'scratched' })
    expect(first).toMatchObject({
      status: 201,
      body: { id: expect.any(String), amount: 2_500, reason: 'scratched', status: 'succeeded', code: null },
    })
    expect(await post({ reason: 'all of it' })).toMatchObject({ status: 201, body: { amount: 7_500 } })
    expect(await list()).toMatchObject({
      status: 'refunded',
      refunded: 10_000,
      authorizations: [{ amount: 10_000, captured: 10_000, refunded: 10_000, shipmentId: null }],
      refunds: [first.body, { amount: 7_500, status: 'succeeded' }],
    })
    expect(await violations()).toEqual([])
    const payment = await database.payment.findUniqueOrThrow({ where: { orderId: order.orderId } })
    const goodwill = await database.ledgerEntry.aggregate({
      where: { paymentId: payment.id, account: 'goodwill' },
      _sum: { amount: true },
    })
    expect(goodwill._sum.amount).toBe(10_000n)
  })

  it('answers a repeated key with the first answer, ten at once too', async () => {
    await capture()
    const body = { amount: 1_000, reason: 'late' }
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(body, 'k')))
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    const again = await post(body, 'k')
    expect(again).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } })
    expect(refunded()).toBe(1_000)
    expect(await post({ ...body, amount: 2 }, 'k')).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    })
  })

  it.each<[string, () => unknown, object, number, string]>([
    ['what was not captured', () => {}, { reason: 'x' }, 409, 'payment_not_captured'],
    [
      'more than was captured',
      () => capture(4_000),
      { amount: 4_001, reason: 'x' },
      422,
      'refund_exceeds_captured',
    ],
    ['an amount of nothing', capture, { amount: 0, reason: 'x' }, 400, 'validation_failed'],
    ['an amount below nothing', capture, { amount: -1, reason: 'x' }, 400, 'validation_failed'],
    ['a part of a cent', capture, { amount: 1.5, reason: 'x' }, 400, 'validation_failed'],
    ['no reason', capture, { amount: 1 }, 400, 'validation_failed'],
    ['unknown fields', capture, { amount: 1, reason: 'x', to: 'me' }, 400, 'validation_failed'],
  ])('refuses %s, and nothing changes', async (_what, prepare, body, status, code) => {
    await prepare()
    const before = await readBooks(database, order.orderId)
    expect(await post(body)).toMatchObject({ status, body: { code } })
    expect(await readBooks(database, order.orderId)).toEqual(before)
    expect(refunded()).toBe(0)
  })

  it('refuses when everything was given back', async () => {
    await capture()
    await post({ reason: 'x' })
    const detail = '0.00 EUR of what was captured can still be given back.'
    expect(await post({ reason: 'x' })).toMatchObject({
      status: 422,
      body: { code: 'refund_exceeds_captured', detail },
    })
    expect(refunded()).toBe(10_000)
  })

  it('refuses while the customer disputes it', async () => {
    await capture()
    provider.authorizations[0]!.disputes = [{ id: 'dp_1', amount: 10_000, status: 'open' }]
    await payments.reconcile(`${order.orderId}:authorize:1`)
    expect(await post({ reason: 'x' })).toMatchObject({ status: 409, body: { code: 'payment_disputed' } })
    expect(refunded()).toBe(0)
  })

  it('needs a key, an order, and somebody who may', async () => {
    await capture()
    expect(await post({ reason: 'x' }, '')).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    })
    expect(await post({ reason: 'x' }, undefined, randomUUID())).toMatchObject({ status: 404 })
    for (const roles of [['customer'], ['courier']] as const) {
      caller = { kind: 'user', subject: order.customerId, roles: [...roles], scopes: ['*'] }
      expect(await post({ reason: 'x' })).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
    expect(refunded()).toBe(0)
  })

  describe('of a version of the order', () => {
    const body = { amount: 1_000, reason: 'late' }
    /** What the operator has seen, and what the gateway has read. */
    const seen = (version: number, current?: number) =>
      post(body, 'seen', order.orderId, {
        'if-match': `"${version}"`,
        ...(current === undefined ? {} : { 'x-current-etag': `"${current}"` }),
      })

    it('is refused when that is stale or not known, and the key is not used up', async () => {
      await capture()
      for (const answer of [await seen(3, 4), await seen(3)])
        expect(answer).toMatchObject({ status: 412, body: { code: 'stale_version' } })
      expect(refunded()).toBe(0)
      expect(await seen(4, 4)).toMatchObject({ status: 201 })
    })

    it('is given back once, and a repeat is no less welcome for the version that it made', async () => {
      await capture()
      const first = await seen(3, 3)
      const again = await seen(3, 4)
      expect(again).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } })
      // the process ended before the answer was stored
      await database.idempotencyKey.deleteMany({ where: { caller: caller.subject } })
      expect(await seen(3, 4)).toMatchObject({ status: 201, body: first.body })
      expect(refunded()).toBe(1_000)
    })

    it('is stale before it is unknown here', async () => {
      const tell = { 'if-match': '"3"', 'x-current-etag': '"4"' }
      expect(await post(body, 'other', randomUUID(), tell)).toMatchObject({ status: 412 })
    })
  })

  it('is a conflict where the payment was given up before anything was asked for', async () => {
    const given = newOrder()
    await payments.voidPayment(given)
    const answer = await post({ reason: 'x' }, undefined, given.orderId)
    expect(answer).toMatchObject({ status: 409, body: { code: 'payment_not_captured' } })
  })

  it('says that the provider refuses, also when it is repeated, and another key may try again', async () => {
    await capture()
    provider.intercept = async () => ({ outcome: 'declined', code: 'card_closed' })
    const answer = await post({ reason: 'x' }, 'again')
    expect(answer).toMatchObject({ status: 409, body: { code: 'refund_refused' } })
    expect(answer.body.detail).toContain('card_closed')
    expect(await list()).toMatchObject({ refunded: 0, refunds: [{ status: 'refused', code: 'card_closed' }] })
    provider.intercept = answerSoon
    const { body } = await post({ reason: 'x' }, 'again')
    expect(body).toMatchObject({ code: 'refund_refused', detail: answer.body.detail })
    expect(await list()).toMatchObject({ refunds: [{ status: 'refused' }] })
    expect(await post({ reason: 'x' }, 'anew')).toMatchObject({ status: 201, body: { amount: 10_000 } })
    expect(await violations()).toEqual([])
  })

  it('is pending while nobody knows what the provider did, and counts as promised', async () => {
    await capture()
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    expect(await post({ amount: 6_000, reason: 'x' }, 'slow')).toMatchObject({
      status: 201,
      body: { status: 'pending' },
    })
    expect(await post({ amount: 4_001, reason: 'x' })).toMatchObject({ status: 422 })
    await payments.reconcile(`${order.orderId}:authorize:1`)
    expect(await list()).toMatchObject({ refunded: 6_000 })
    expect(refunded()).toBe(6_000)
    expect(await violations()).toEqual([])
  })
})
