import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { processWebhooks, type WebhookProcessing } from './process-webhooks.ts'
import { createMemoryProvider } from '../test-support/memory-provider.ts'
import { createPayments } from '../test-support/payments.ts'
import { postWebhook, webhook, type Webhook } from '../test-support/webhooks.ts'

const silent = () => createLogger({ service: 'payments', level: 'silent' })

const database = await paymentsStore()
const payments = createPayments(database, createMemoryProvider())
beforeEach(async () => {
  await database.providerWebhook.deleteMany()
})

const post = (message: Webhook) => postWebhook({ database, payments }, message)
const workOff = (changes: Partial<WebhookProcessing> = {}) =>
  processWebhooks({
    database,
    provider: { name: 'sandbox' },
    reconcilePayment: payments.reconcile,
    logger: silent(),
    ...changes,
  })

describe('a webhook that cannot be worked off', () => {
  const failing = {
    reconcilePayment: () => Promise.reject(new Error('the provider is away')),
  }
  const stored = async () => (await database.providerWebhook.findMany())[0]!
  const makeDue = (changes: { receivedAt?: Date } = {}) =>
    database.providerWebhook.updateMany({ data: { nextAttemptAt: new Date(0), ...changes } })

  it('is tried again less and less often, and says how often it was and why', async () => {
    await post(webhook('r'))
    const pauses: number[] = []
    for (let attempt = 1; attempt <= 12; attempt++) {
      await makeDue()
      const before = Date.now()
      expect(await workOff(failing)).toBe(1)
      const failed = await stored()
      expect(failed).toMatchObject({ attempts: attempt, note: 'the provider is away', processedAt: null })
      pauses.push(Math.floor((failed.nextAttemptAt.getTime() - before) / 1_000))
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600])
    await makeDue()
    expect(await workOff()).toBe(1)
    expect(await stored()).toMatchObject({ attempts: 13, note: null, processedAt: expect.any(Date) })
  })

  it('is given up after a day, which its note and the log say', async () => {
    const logger = silent()
    const error = vi.spyOn(logger, 'error')
    const day = 86_400_000
    await post(webhook('r', { id: 'evt_hopeless' }))
    await makeDue({ receivedAt: new Date(Date.now() - day + 60_000) })
    await workOff({ ...failing, logger })
    expect(await stored()).toMatchObject({ attempts: 1, processedAt: null })
    expect(error).not.toHaveBeenCalled()
    await makeDue({ receivedAt: new Date(Date.now() - day - 60_000) })
    await workOff({ ...failing, logger })
    expect(await stored()).toMatchObject({
      attempts: 2,
      processedAt: expect.any(Date),
      note: 'given up: the provider is away',
    })
    expect(error.mock.calls).toEqual([
      [
        { err: expect.any(Error), eventId: 'evt_hopeless', attempts: 2, reference: 'r' },
        'a webhook is given up',
      ],
    ])
    await makeDue()
    expect(await workOff(failing)).toBe(0)
  })

  it('is taken once by three that look at once', async () => {
    await post(webhook('r'))
    const taken = await Promise.all([workOff(failing), workOff(failing), workOff(failing)])
    expect(taken.toSorted((one, other) => one - other)).toEqual([0, 0, 1])
    expect(await stored()).toMatchObject({ attempts: 1 })
  })
})

it('leaves the webhooks of another provider to whoever can read them', async () => {
  await post(webhook('r'))
  expect(await workOff({ provider: { name: 'stripe' } })).toBe(0)
  expect(await database.providerWebhook.findMany()).toMatchObject([{ attempts: 0, processedAt: null }])
})
