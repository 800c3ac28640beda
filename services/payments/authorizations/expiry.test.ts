/** Authorizations that run out, and those that are authorized anew before or after that. */
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { openAt } from '../providers/provider.ts'
import { answerSoon, createMemoryProvider, type MemoryProvider } from '../test-support/memory-provider.ts'
import { createPayments, findViolations, newOrder, readBooks } from '../test-support/payments.ts'

const HOUR_MS = 3_600_000

const database = await paymentsStore()
let provider: MemoryProvider
let payments: ReturnType<typeof createPayments>
let order: ReturnType<typeof newOrder>
beforeEach(() => start({}))

async function start(options: { multicapture?: boolean }): Promise<void> {
  provider = createMemoryProvider({ lifetimeMs: 24 * HOUR_MS, ...options })
  payments = createPayments(database, provider)
  order = newOrder()
  await payments.authorize(order)
}

const inHours = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString()
const capture = (amount: number, shipmentId: string = randomUUID()) =>
  payments.capture({ orderId: order.orderId, shipmentId, amount, shipping: 0 })
const renew = (hours: number) => payments.renew({ orderId: order.orderId, until: inHours(hours) })
const live = () => provider.authorizations.filter((each) => openAt(each) > 0).length
const violations = () => findViolations(database, order.orderId, provider.authorizations)

/** Time passes: at the provider, and in what it told us. */
async function runOut(): Promise<void> {
  const past = new Date(Date.now() - 1_000)
  for (const each of provider.authorizations) each.expiresAt = past.toISOString()
  await database.$executeRaw`UPDATE authorizations SET expires_at = ${past}`
}

/** The authorization was made some hours ago. */
const grow = (hours: number) =>
  database.$executeRaw`
    UPDATE authorizations SET created_at = created_at - make_interval(hours => ${hours})`

describe('renewAuthorization', () => {
  it('leaves alone what lasts long enough, or is as young as a new one would be', async () => {
    expect(await renew(20)).toEqual({ outcome: 'valid' })
    expect(await renew(48)).toEqual({ outcome: 'valid' })
    expect(provider.calls).toHaveLength(1)
  })

  it('authorizes anew what would not last, and releases the old one', async () => {
    await grow(12)
    for (let time = 0; time < 2; time++) expect(await renew(30)).toEqual({ outcome: 'valid' })
    expect(provider.calls.map(({ key }) => key.split(':').slice(1).join(':'))).toEqual([
      'authorize:1',
      'authorize:2',
      'void:1',
    ])
    expect(live()).toBe(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
      released: 0,
    })
    expect(await violations()).toEqual([])
    expect(await capture(10_000)).toEqual({ outcome: 'captured', captured: 10_000 })
  })

  it('is for what is not captured yet', async () => {
    await capture(4_000)
    await grow(12)
    await renew(30)
    expect(provider.authorizations.map(({ amount }) => amount)).toEqual([10_000, 6_000])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'partially_captured',
      authorized: 10_000,
      captured: 4_000,
      released: 0,
    })
    expect(await capture(6_000)).toEqual({ outcome: 'captured', captured: 6_000 })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'captured', captured: 10_000 })
    expect(await violations()).toEqual([])
  })

  it('that is declined leaves the old one as it is', async () => {
    await grow(12)
    provider.intercept = async () => ({ outcome: 'declined', code: 'insufficient_funds' })
    expect(await renew(30)).toEqual({ outcome: 'declined', code: 'insufficient_funds' })
    expect(live()).toBe(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'authorized', released: 0 })
    provider.intercept = answerSoon
    expect(await renew(30)).toEqual({ outcome: 'valid' })
    expect(await violations()).toEqual([])
  })

  it('that the customer would have to approve is given up', async () => {
    await grow(12)
    await database.$executeRaw`UPDATE authorizations SET payment_method = 'pm_card_authenticationRequired'`
    expect(await renew(30)).toEqual({ outcome: 'declined', code: 'authentication_required' })
    expect(provider.authorizations.map(({ state }) => state)).toEqual(['approved', 'closed'])
    expect(await violations()).toEqual([])
  })

  it('settles a lost answer and does not authorize twice', async () => {
    await grow(12)
    provider.intercept = async (call, execute) => {
      const outcome = execute()
      return call.operation === 'authorize' ? { outcome: 'unknown', cause: new Error('lost') } : outcome
    }
    await expect(renew(30)).rejects.toMatchObject({ type: FAILURE.outcomeUnknown })
    expect(await renew(30)).toEqual({ outcome: 'valid' })
    expect(provider.authorizations).toHaveLength(2)
    expect(live()).toBe(1)
    expect(await violations()).toEqual([])
  })
})

describe('an authorization that has run out', () => {
  it.each([true, false])(
    'is authorized anew before it is captured (multicapture %s)',
    async (multicapture) => {
      await start({ multicapture })
      await runOut()
      const shipmentId = randomUUID()
      for (let time = 0; time < 2; time++)
        expect(await capture(10_000, shipmentId)).toEqual({ outcome: 'captured', captured: 10_000 })
      expect(await readBooks(database, order.orderId)).toMatchObject({
        status: 'captured',
        authorized: 10_000,
        captured: 10_000,
        attempts: [
          'authorize:1 succeeded',
          'capture:1 declined',
          'authorize:2 succeeded',
          'capture:2 succeeded',
        ],
        events: [
          'payment.created',
          'payment.authorized',
          'payment.expired',
          'payment.authorized',
          'payment.captured',
        ],
      })
      expect(await violations()).toEqual([])
    },
  )

  it('after a part was captured gives only what is left', async () => {
    await capture(4_000)
    await runOut()
    expect(await capture(6_000)).toEqual({ outcome: 'captured', captured: 6_000 })
    expect(provider.authorizations.map(({ amount, captured }) => [amount, captured])).toEqual([
      [10_000, 4_000],
      [6_000, 6_000],
    ])
    expect(await violations()).toEqual([])
  })

  it('is owed when it is not authorized anew, and captured when that works later', async () => {
    await runOut()
    const shipmentId = randomUUID()
    provider.intercept = async (call, execute) =>
      call.operation === 'authorize' ? { outcome: 'declined', code: 'card_declined' } : execute()
    expect(await capture(10_000, shipmentId)).toEqual({ outcome: 'refused', code: 'authorization_expired' })
    expect(await database.ledgerEntry.count({ where: { account: 'receivables' } })).toBeGreaterThan(0)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'expired', captured: 0 })
    provider.intercept = answerSoon
    expect(await capture(10_000, shipmentId)).toEqual({ outcome: 'captured', captured: 10_000 })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'captured' })
    expect(await violations()).toEqual([])
  })

  it('is noticed by asking, once', async () => {
    await runOut()
    const reference = `${order.orderId}:authorize:1`
    for (let time = 0; time < 2; time++) await payments.reconcile(reference)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'expired',
      released: 10_000,
      events: ['payment.created', 'payment.authorized', 'payment.expired'],
    })
    expect(await violations()).toEqual([])
    expect(await renew(1)).toEqual({ outcome: 'valid' })
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'authorized' })
  })

  it('has nothing left to release', async () => {
    await runOut()
    await payments.voidPayment(order)
    expect(live()).toBe(0)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'voided', released: 10_000 })
    expect(await violations()).toEqual([])
  })
})
