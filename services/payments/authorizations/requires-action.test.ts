/** Payments that the customer must approve at their bank's page (3-D Secure). */
import { describe, expect, it } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { paymentsWorld } from '#tests/support/payments.ts'
import { inRounds } from '#tests/support/rounds.ts'
import { answerSoon } from '../test-support/memory-provider.ts'
import { newOrder, readBooks } from '../test-support/payments.ts'
import { retried } from '../test-support/retried.ts'

const world = paymentsWorld()
const { live, keys, violations } = world

const SECURE = 'pm_card_authenticationRequired'
const lost = new Error('the answer was lost')

describe('a payment that the customer must approve', () => {
  const reference = ({ orderId }: { orderId: string }) => `${orderId}:authorize:1`

  it('is authorized once they have, and the webhook tells of it', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    const waiting = { outcome: 'requires_action', url: `https://bank.test/${reference(order)}` }
    expect(await world.payments.authorize(order)).toEqual(waiting)
    expect(await world.payments.authorize(order)).toEqual(waiting)
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'requires_action',
      authorized: 0,
      attempts: ['authorize:1 unknown'],
      events: ['payment.created', 'payment.requires_action'],
    })
    world.provider.authenticate(reference(order), true)
    for (let time = 0; time < 3; time++) await world.payments.reconcile(reference(order))
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'authorized',
      attempts: ['authorize:1 succeeded'],
      events: ['payment.created', 'payment.requires_action', 'payment.authorized'],
    })
    expect(await world.payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(keys('authorize')).toEqual(['authorize:1'])
    expect(await violations(order)).toEqual([])
  })

  it('is declined when they refuse; another method may follow', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    await world.payments.authorize(order)
    world.provider.authenticate(reference(order), false)
    await world.payments.reconcile(reference(order))
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'created',
      events: ['payment.created', 'payment.requires_action', 'payment.declined'],
    })
    expect(await world.payments.authorize(order)).toEqual({
      outcome: 'declined',
      code: 'authentication_failed',
    })
    expect(
      await world.payments.authorize({ ...order, paymentMethod: 'pm_card_visa', request: 2 }),
    ).toMatchObject({
      outcome: 'authorized',
    })
    expect(await violations(order)).toEqual([])
  })

  it('is given up at the provider when another method comes first', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    await world.payments.authorize(order)
    await world.payments.authorize({ ...order, paymentMethod: 'pm_card_visa', request: 2 })
    expect(world.provider.authorizations.map(({ state }) => state)).toEqual(['closed', 'approved'])
    expect(await world.payments.authorize(order)).toMatchObject({ outcome: 'declined' })
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
    })
    expect(await violations(order)).toEqual([])
  })

  it('is released when they approve it while it is being given up', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    await world.payments.authorize(order)
    world.provider.intercept = async (call, execute) => {
      if (call.operation === 'void') world.provider.authenticate(reference(order), true)
      return execute()
    }
    await world.payments.voidPayment(order)
    expect(live()).toEqual([])
    expect(await readBooks(world.database, order.orderId)).toMatchObject({
      status: 'voided',
      authorized: 10_000,
      released: 10_000,
      attempts: ['authorize:1 succeeded', 'void:1 succeeded'],
    })
    expect(await violations(order)).toEqual([])
  })

  it('is released when the approval is seen after the order was voided, however late', async () => {
    const order = newOrder({ paymentMethod: SECURE })
    await world.payments.authorize(order)
    world.provider.intercept = async (call, execute) =>
      call.operation === 'void' ? { outcome: 'unknown', cause: lost } : execute()
    await expect(world.payments.voidPayment(order)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    world.provider.authenticate(reference(order), true)
    world.provider.intercept = answerSoon
    await world.payments.reconcile(reference(order)).catch(() => {})
    await world.payments.voidPayment(order)
    expect(live()).toEqual([])
    expect(await readBooks(world.database, order.orderId)).toMatchObject({ status: 'voided' })
    expect(await violations(order)).toEqual([])
  })

  it('never leaves two live authorizations when everything comes at once', async () => {
    await inRounds(20, 5, async () => {
      const order = newOrder({ paymentMethod: SECURE })
      await world.payments.authorize(order)
      const soon = <R>(work: () => Promise<R>) =>
        new Promise((resolve) => setTimeout(resolve, Math.random() * 15)).then(() => retried(work))
      await Promise.all([
        soon(async () => {
          const waits = world.provider.authorizations.find((each) => each.reference === reference(order))
          if (waits?.state === 'requires_action') world.provider.authenticate(reference(order), true)
        }),
        soon(() => world.payments.reconcile(reference(order))),
        soon(() => world.payments.authorize({ ...order, paymentMethod: 'pm_card_visa', request: 2 })),
        soon(() => world.payments.authorize(order)),
      ])
      await retried(() => world.payments.reconcile(reference(order)))
      // approved in time, it stays, and the other is a candidate until somebody decides
      const books = await readBooks(world.database, order.orderId)
      expect(books).toMatchObject({ status: 'authorized', authorized: 10_000 })
      expect(await violations(order)).toEqual([])
      await world.payments.voidPayment(order)
      expect(live().filter((each) => each.startsWith(order.orderId))).toEqual([])
      expect(await violations(order)).toEqual([])
    })
  })
})
