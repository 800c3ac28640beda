import { afterEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import type { WebhookEntry, WebhookEvent } from './ledger-entries.ts'
import { isSigned, startReceiver, until, WEBHOOK_SECRET } from './test-support.ts'
import { pendingWebhooks, startWebhooks, type PendingWebhook } from './webhooks.ts'

const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

const event = (id: string): WebhookEvent => ({
  id,
  type: 'parcel.dispatched',
  createdAt: '2026-11-23T12:00:00.000Z',
  data: { reference: 'shipment-1' },
})

async function receive(answers: number[] = []) {
  const receiver = await startReceiver('carrier-signature', answers)
  ended.push(() => receiver.stop())
  return receiver
}

function start(url: string, { retryMs = 5, pending = [] as PendingWebhook[], afterTry = () => {} } = {}) {
  const entries: WebhookEntry[] = []
  const webhooks = startWebhooks(
    {
      url,
      retryMs,
      secret: WEBHOOK_SECRET,
      header: 'carrier-signature',
      record(entry) {
        entries.push(entry)
        afterTry()
      },
      logger: createLogger({ service: 'test', level: 'silent' }),
    },
    pending,
  )
  ended.push(() => webhooks.stop())
  return { ...webhooks, outcomes: () => entries.map(({ attempt, outcome }) => [attempt, outcome]), entries }
}

describe('webhooks', () => {
  it('are signed over the time and the bytes that are sent', async () => {
    const receiver = await receive()
    const webhooks = start(receiver.url)
    const sentAt = Math.floor(Date.now() / 1_000)
    webhooks.send(event('evt_1'))
    await until(() => webhooks.entries.length === 1)
    const arrivedAt = Date.now() / 1_000
    const [got] = receiver.received
    expect(got?.body).toEqual(event('evt_1'))
    expect(isSigned(got!, WEBHOOK_SECRET)).toBe(true)
    expect(isSigned(got!, 'another secret')).toBe(false)
    expect(isSigned({ ...got!, raw: `${got!.raw} ` }, WEBHOOK_SECRET)).toBe(false)
    const seconds = Number(/^t=(\d+)/.exec(got!.signature)?.[1])
    expect(seconds).toBeGreaterThanOrEqual(sentAt)
    expect(seconds).toBeLessThanOrEqual(arrivedAt)
    expect(webhooks.outcomes()).toEqual([[1, 'delivered']])
    expect(webhooks.entries[0]).toMatchObject({ eventId: 'evt_1', reference: 'shipment-1', detail: '' })
  })

  it('are repeated until they are taken, every time with the time of that try', async () => {
    const receiver = await receive([500, 404])
    vi.useFakeTimers({ toFake: ['Date'] })
    ended.push(async () => void vi.useRealTimers())
    const webhooks = start(receiver.url, { afterTry: () => vi.setSystemTime(Date.now() + 60_000) })
    webhooks.send(event('evt_1'))
    await until(() => webhooks.entries.length === 3) // vi.waitFor would move the clock on
    expect(webhooks.outcomes()).toEqual([
      [1, 'failed'],
      [2, 'failed'],
      [3, 'delivered'],
    ])
    expect(webhooks.entries[0]).toMatchObject({ detail: 'answered 500' })
    const times = receiver.received.map(({ signature }) => Number(/^t=(\d+)/.exec(signature)?.[1]))
    expect(times.map((time) => time - times[0]!)).toEqual([0, 60, 120])
    expect(receiver.received.every((got) => isSigned(got, WEBHOOK_SECRET))).toBe(true)
  })

  it('are given up after eight tries', async () => {
    const webhooks = start('http://127.0.0.1:9/', { retryMs: 1 })
    webhooks.send(event('evt_1'))
    await until(() => webhooks.entries.length === 8)
    expect(webhooks.outcomes().at(-2)).toEqual([7, 'failed'])
    expect(webhooks.outcomes().at(-1)).toEqual([8, 'abandoned'])
    expect(pendingWebhooks([{ type: 'movement', event: event('evt_1') }, ...webhooks.entries])).toEqual([])
  })

  it('do not follow redirects', async () => {
    const receiver = await receive([302])
    const webhooks = start(receiver.url, { retryMs: 60_000 })
    webhooks.send(event('evt_1'))
    await until(() => webhooks.entries.length === 1)
    expect(webhooks.outcomes()).toEqual([[1, 'failed']])
  })

  it('go on after a restart where the ledger says they are', async () => {
    const entry = (eventId: string, attempt: number, outcome: WebhookEntry['outcome']): WebhookEntry => ({
      type: 'webhook',
      at: '2026-11-23T12:00:00.000Z',
      eventId,
      reference: 'shipment-1',
      attempt,
      outcome,
      detail: '',
    })
    const pending = pendingWebhooks([
      { type: 'movement', event: event('evt_1') },
      { type: 'movement', event: event('evt_2') },
      { type: 'movement' },
      entry('evt_1', 1, 'delivered'),
      entry('evt_2', 1, 'failed'),
      { type: 'movement', event: event('evt_3') },
    ])
    expect(pending).toEqual([
      { event: event('evt_2'), attempts: 1 },
      { event: event('evt_3'), attempts: 0 },
    ])
    const receiver = await receive()
    const webhooks = start(receiver.url, { pending })
    await until(() => webhooks.entries.length === 2)
    const outcomes = webhooks.entries.map(
      ({ eventId, attempt, outcome }) => `${eventId} ${attempt} ${outcome}`,
    )
    expect(new Set(outcomes)).toEqual(new Set(['evt_2 2 delivered', 'evt_3 1 delivered']))
  })

  it('a hundred at once each arrive once', async () => {
    const receiver = await receive()
    const webhooks = start(receiver.url)
    const ids = Array.from({ length: 100 }, (_, index) => `evt_${index}`)
    for (const id of ids) webhooks.send(event(id))
    const triesOf = (outcome: WebhookEntry['outcome']) =>
      webhooks.entries.filter((entry) => entry.outcome === outcome).length
    await until(() => triesOf('delivered') === 100)
    // a try that a pause of the machine has cut off may have arrived all the same
    expect(receiver.received.length).toBeGreaterThanOrEqual(100)
    expect(receiver.received.length).toBeLessThanOrEqual(100 + triesOf('failed'))
    expect(new Set(receiver.received.map(({ body }) => body['id']))).toEqual(new Set(ids))
  })

  it('stop without waiting for the next try, and record nothing that was cut off', async () => {
    const webhooks = start('http://127.0.0.1:9/', { retryMs: 60_000 })
    webhooks.send(event('evt_1'))
    await until(() => webhooks.entries.length === 1)
    await webhooks.stop()
    webhooks.send(event('evt_2'))
    expect(webhooks.outcomes()).toEqual([[1, 'failed']])
  })
})
