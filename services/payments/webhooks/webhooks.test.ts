import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { processWebhooks } from './process-webhooks.ts'
import { openAt } from '../providers/provider.ts'
import { answerSoon, createMemoryProvider, type MemoryProvider } from '../test-support/memory-provider.ts'
import {
  createPayments,
  findViolations,
  newOrder,
  passDeadlines,
  readBooks,
  type Payments,
} from '../test-support/payments.ts'
import { postWebhook, webhook, type Webhook } from '../test-support/webhooks.ts'

const logger = createLogger({ service: 'payments', level: 'silent' })
const lost = new Error('the answer was lost')

const database = await paymentsStore()
let provider: MemoryProvider
let payments: Payments
beforeEach(async () => {
  await database.providerWebhook.deleteMany()
  provider = createMemoryProvider()
  payments = createPayments(database, provider)
})

const post = (message: Webhook, name?: string) => postWebhook({ database, payments }, message, name)
const workOff = () =>
  processWebhooks({
    database,
    provider: { name: 'sandbox' },
    reconcilePayment: payments.reconcile,
    logger,
  })

describe('the webhook route', () => {
  it('stores a genuine webhook once, bytes as they came', async () => {
    const message = webhook('r', { id: 'evt_1' })
    for (let time = 0; time < 2; time++) {
      const answer = await post(message)
      expect([answer.statusCode, answer.json()]).toEqual([200, { received: true }])
    }
    const stored = await database.providerWebhook.findMany()
    expect(
      stored.map(({ eventId, raw, processedAt }) => [eventId, Buffer.from(raw).toString(), processedAt]),
    ).toEqual([['evt_1', message.payload, null]])
  })

  it.each<[string, () => ReturnType<typeof post>, number, string]>([
    [
      'a wrong signature',
      () => post(webhook('r', { secret: 'another secret altogether' })),
      401,
      'invalid_signature',
    ],
    [
      'no signature',
      () =>
        post({ ...webhook('r'), headers: { 'content-type': 'application/json', 'provider-signature': '' } }),
      401,
      'invalid_signature',
    ],
    ['a provider that is not ours', () => post(webhook('r'), 'nobody'), 404, 'not_found'],
    ['an id that cannot be stored', () => post(webhook('r', { id: 'a\0b' })), 400, 'validation_failed'],
    ['a reference that cannot be stored', () => post(webhook('r\ud800')), 400, 'validation_failed'],
    ['a body above 256 KiB', () => post(webhook('r', { padding: 256 * 1024 })), 413, 'body_too_large'],
  ])('refuses %s and stores nothing', async (_what, send, status, code) => {
    const answer = await send()
    expect([answer.statusCode, answer.json()]).toMatchObject([status, { code }])
    expect(await database.providerWebhook.count()).toBe(0)
  })

  it('takes 200 KiB', async () => {
    expect((await post(webhook('r', { padding: 200 * 1024 }))).statusCode).toBe(200)
  })
})

describe('processWebhooks', () => {
  it('settles what is unknown by reading, whatever the webhook says, in any order and number', async () => {
    const order = newOrder()
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    await expect(payments.authorize(order)).rejects.toThrow('not known')
    for (let time = 0; time < 3; time++) await post(webhook(`${order.orderId}:authorize:1`))
    expect(await workOff()).toBe(3)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      events: ['payment.created', 'payment.authorized'],
    })
    expect(await workOff()).toBe(0)
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(provider.calls).toHaveLength(1)
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('is settled once, without an error, when ten work at once', async () => {
    for (let round = 0; round < 5; round++) {
      const order = newOrder()
      provider.intercept = async (_call, execute) => {
        execute()
        return { outcome: 'unknown', cause: lost }
      }
      await expect(payments.authorize(order)).rejects.toThrow('not known')
      const reference = `${order.orderId}:authorize:1`
      expect(await Promise.all(Array.from({ length: 10 }, () => payments.reconcile(reference)))).toEqual(
        Array.from({ length: 10 }, () => ({ outcome: 'compared', repaired: [], different: [] })),
      )
      expect(await readBooks(database, order.orderId)).toMatchObject({
        events: ['payment.created', 'payment.authorized'],
      })
      expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
    }
  })

  it('sends nothing for an authorization that the provider does not know', async () => {
    const order = newOrder()
    provider.intercept = async () => ({ outcome: 'unknown', cause: lost })
    await expect(payments.authorize(order)).rejects.toThrow('not known')
    await post(webhook(`${order.orderId}:authorize:1`))
    expect(await workOff()).toBe(1)
    expect(provider.calls).toHaveLength(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'created',
      attempts: ['authorize:1 unknown'],
    })
  })

  it('settles a capture whose process died', async () => {
    const order = newOrder()
    await payments.authorize(order)
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    await expect(
      payments.capture({ orderId: order.orderId, shipmentId: randomUUID(), amount: 4_000, shipping: 0 }),
    ).rejects.toThrow('not known')
    await post(webhook(`${order.orderId}:authorize:1`))
    await workOff()
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'partially_captured',
      captured: 4_000,
    })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('releases an authorization that lands after its order was voided and its process died', async () => {
    const order = newOrder()
    let land = () => {}
    provider.intercept = (call, execute) =>
      call.operation === 'authorize'
        ? new Promise(() => (land = () => void execute()))
        : answerSoon(call, execute)
    void payments.authorize(order)
    await expect.poll(() => provider.calls.length).toBe(1)
    await passDeadlines(database, order.orderId)
    await payments.voidPayment(order)
    land()
    await post(webhook(`${order.orderId}:authorize:1`))
    await workOff()
    expect(provider.authorizations.map(openAt)).toEqual([0])
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      authorized: 10_000,
      released: 10_000,
    })
    expect(await findViolations(database, order.orderId, provider.authorizations)).toEqual([])
  })

  it('keeps a webhook while the provider cannot be read, and tries again', async () => {
    const order = newOrder()
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    await expect(payments.authorize(order)).rejects.toThrow('not known')
    await post(webhook(`${order.orderId}:authorize:1`))
    provider.unreadable = true
    await workOff()
    expect(await database.providerWebhook.count({ where: { processedAt: null } })).toBe(1)
    provider.unreadable = false
    expect(await workOff()).toBe(0)
    await database.$executeRaw`UPDATE provider_webhooks SET next_attempt_at = now() - interval '1 second'`
    expect(await workOff()).toBe(1)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'authorized' })
  })

  it('has done with a webhook about something that is not ours', async () => {
    await post(webhook('somebody else'))
    await workOff()
    expect(await database.providerWebhook.count({ where: { processedAt: null } })).toBe(0)
  })
})

describe('a webhook that says how far the authorization is', () => {
  const figures = (changed: object = {}) => ({
    figures: { status: 'authorized', captured: 0, refunded: 0, released: 0, ...changed },
  })
  let reads: number
  const counted = () => {
    const { find, findByReference } = provider
    reads = 0
    provider.find = (id) => (reads++, find(id))
    provider.findByReference = (reference) => (reads++, findByReference(reference))
  }
  const told = async (reference: string, what: object) => {
    await post(webhook(reference, what))
    await workOff()
    return database.providerWebhook.count({ where: { processedAt: null } })
  }

  it('asks nobody when our books are as far, or further', async () => {
    const order = newOrder()
    await payments.authorize(order)
    await payments.capture({ orderId: order.orderId, shipmentId: randomUUID(), amount: 4_000, shipping: 0 })
    counted()
    const reference = `${order.orderId}:authorize:1`
    expect(await told(reference, figures())).toBe(0)
    expect(await told(reference, figures({ captured: 4_000 }))).toBe(0)
    expect(reads).toBe(0)
    expect(await told(reference, {})).toBe(0)
    expect(reads).toBeGreaterThan(0)
  })

  it.each<[string, object]>([
    ['captured', { captured: 4_001 }],
    ['refunded', { refunded: 1 }],
    ['released', { released: 1 }],
  ])('asks when more was %s', async (_what, more) => {
    const order = newOrder()
    await payments.authorize(order)
    counted()
    await told(`${order.orderId}:authorize:1`, figures(more))
    expect(reads).toBeGreaterThan(0)
  })

  it('asks when an outcome is open, the customer has answered, or something must be released', async () => {
    const lostAnswer = newOrder()
    provider.intercept = async (_call, execute) => {
      execute()
      return { outcome: 'unknown', cause: lost }
    }
    await expect(payments.authorize(lostAnswer)).rejects.toThrow('not known')
    provider.intercept = answerSoon
    await told(`${lostAnswer.orderId}:authorize:1`, figures())
    expect(await readBooks(database, lostAnswer.orderId)).toMatchObject({ status: 'authorized' })

    const secure = newOrder({ paymentMethod: 'pm_card_authenticationRequired' })
    await payments.authorize(secure)
    provider.authenticate(`${secure.orderId}:authorize:1`, true)
    await told(`${secure.orderId}:authorize:1`, figures())
    expect(await readBooks(database, secure.orderId)).toMatchObject({ status: 'authorized' })

    provider.intercept = async () => ({ outcome: 'not_sent', cause: lost })
    await expect(payments.voidPayment(secure)).rejects.toThrow('was not sent')
    provider.intercept = answerSoon
    await told(`${secure.orderId}:authorize:1`, figures())
    expect(await readBooks(database, secure.orderId)).toMatchObject({ status: 'voided' })
  })

  it('waits a moment for a call that has not been answered yet', async () => {
    const order = newOrder()
    let answer = () => {}
    provider.intercept = (_call, execute) => new Promise((resolve) => (answer = () => resolve(execute())))
    const running = payments.authorize(order)
    await expect.poll(() => provider.calls.length).toBe(1)
    counted()
    expect(await told(`${order.orderId}:authorize:1`, figures())).toBe(1)
    expect(reads).toBe(0)
    expect(await database.providerWebhook.findMany()).toMatchObject([{ note: null }])
    answer()
    await running
    await database.$executeRaw`UPDATE provider_webhooks SET next_attempt_at = now() - interval '1 second'`
    await workOff()
    expect([reads, await database.providerWebhook.count({ where: { processedAt: null } })]).toEqual([0, 0])
  })
})
