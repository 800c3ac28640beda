import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { WebhookAttempt } from '#contracts/http/notifications.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import { silentLogger } from '#tests/support/orders.ts'
import type { Bucket } from '../../buckets.ts'
import { orderEvent } from '../../test-support/events.ts'
import { CIRCUIT_PAUSE_MS, createDeliverWebhook } from './deliver-webhook.ts'
import { DestinationRefusedError } from './destination.ts'
import { createEndpoints, type StoredEndpoint } from './endpoints.ts'
import type { PostRequest } from './post.ts'
import { secretOf, sign } from './signature.ts'

const DAY_MS = 86_400_000
const MASTER_SECRET = 'a master secret for the tests only'

/** One endpoint whose answers and clock the test sets. */
function setUp() {
  const endpoint: StoredEndpoint = {
    id: randomUUID(),
    url: 'https://shop.example.test/hook',
    events: ['order.*'],
    description: null,
    status: 'enabled',
    disabledReason: null,
    failingSince: null,
    createdAt: new Date(0).toISOString(),
    createdBy: randomUUID(),
  }
  let [value, revision, now]: [unknown, number, number] = [[endpoint], 1, Date.now()]
  const bucket: Bucket = {
    create: () => Promise.resolve(undefined),
    read: () => Promise.resolve({ value, revision }),
    replace: async (_key, next, from) => {
      if (from !== revision) return undefined
      value = JSON.parse(JSON.stringify(next))
      return ++revision
    },
    remove: () => Promise.resolve(),
  }
  const clock = () => now
  const endpoints = createEndpoints(bucket, clock)
  const attempts: WebhookAttempt[] = []
  const posts: PostRequest[] = []
  let answer = (): number => 200
  const breaker = createBreaker({ name: 'test', timeoutMs: 1_000, logger: silentLogger })
  const deliver = createDeliverWebhook({
    endpoints,
    attempts: { add: async (_id, attempt) => void attempts.push(attempt) },
    post: async (request) => {
      posts.push(request)
      return answer()
    },
    breakerOf: () => breaker,
    masterSecret: MASTER_SECRET,
    disableAfterDays: 5,
    clock,
  })
  const event = orderEvent('order.created', randomUUID(), randomUUID())
  return {
    attempts,
    posts,
    event,
    endpoint,
    answers: (next: () => number) => (answer = next),
    pass: (ms: number) => (now += ms),
    now: clock,
    stored: async () => (await endpoints.all())[0],
    change: endpoints.change,
    deliver: (ageMs = 0, deliveries = 1) =>
      deliver(endpoint.id, { body: JSON.stringify(event), ageMs, deliveries }),
  }
}

describe('deliverWebhook', () => {
  test('sends the event as it is, signed, and writes down that it was taken', async () => {
    const { deliver, posts, attempts, event, endpoint, now } = setUp()
    expect(await deliver()).toEqual({ outcome: 'done' })
    const body = JSON.stringify(event)
    expect(posts).toEqual([
      expect.objectContaining({
        url: endpoint.url,
        body,
        headers: sign(secretOf(MASTER_SECRET, endpoint.id), event.eventId, body, now()),
      }),
    ])
    expect(attempts).toEqual([
      {
        eventId: event.eventId,
        eventType: 'order.created',
        at: new Date(now()).toISOString(),
        outcome: 'delivered',
        responseStatus: 200,
        error: null,
        durationMs: 0,
        nextAttemptAt: null,
      },
    ])
  })

  test.each([
    ['500', () => 500, 500, 'status'],
    ['404', () => 404, 404, 'status'],
    ['302', () => 302, 302, 'redirect'],
    ['304', () => 304, 304, 'redirect'],
    [
      'a private address',
      () => {
        throw new DestinationRefusedError('inside')
      },
      null,
      'address_refused',
    ],
    [
      'a refused connection',
      () => {
        throw Object.assign(new Error('10.0.0.5:443'), { code: 'ECONNREFUSED' })
      },
      null,
      'unreachable',
    ],
    [
      'a bad certificate',
      () => {
        throw Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
      },
      null,
      'tls',
    ],
  ])('after %s it is tried again, and the endpoint is failing', async (_, answer, status, error) => {
    const { deliver, attempts, answers, stored, now } = setUp()
    answers(answer)
    const verdict = await deliver(60_000)
    expect(verdict).toEqual({ outcome: 'later', ms: expect.any(Number) })
    if (verdict.outcome !== 'later') throw new Error('done')
    expect(verdict.ms).toBeGreaterThanOrEqual(60_000)
    expect(attempts).toEqual([
      expect.objectContaining({
        outcome: 'failed',
        responseStatus: status,
        error,
        nextAttemptAt: new Date(now() + verdict.ms).toISOString(),
      }),
    ])
    expect(await stored()).toMatchObject({ status: 'enabled', failingSince: new Date(now()).toISOString() })
    expect(JSON.stringify(attempts)).not.toContain('10.0.0.5')
  })

  test('a success ends the failing', async () => {
    const { deliver, answers, stored, pass } = setUp()
    answers(() => 500)
    await deliver()
    pass(4 * DAY_MS)
    answers(() => 204)
    await deliver()
    expect(await stored()).toMatchObject({ status: 'enabled', failingSince: null })
    answers(() => 500)
    pass(4 * DAY_MS)
    await deliver()
    expect(await stored()).toMatchObject({ status: 'enabled' })
  })

  test('after five days without a success the endpoint is disabled, and what waits is dropped unsent', async () => {
    const { deliver, answers, stored, pass, posts, attempts } = setUp()
    answers(() => 500)
    await deliver()
    pass(5 * DAY_MS - 1)
    expect((await deliver()).outcome).toBe('later')
    pass(1)
    expect(await deliver()).toEqual({ outcome: 'done' })
    expect(await stored()).toMatchObject({ status: 'disabled', disabledReason: 'failing' })
    expect(attempts.at(-1)).toMatchObject({ outcome: 'failed', nextAttemptAt: null })
    expect(await deliver()).toEqual({ outcome: 'done' })
    expect(posts).toHaveLength(3)
  })

  test('an endpoint that says that it is gone is disabled at once', async () => {
    const { deliver, answers, stored } = setUp()
    answers(() => 410)
    expect(await deliver()).toEqual({ outcome: 'done' })
    expect(await stored()).toMatchObject({ status: 'disabled', disabledReason: 'gone' })
  })

  test('an event that failed for three days is given up', async () => {
    const { deliver, answers, attempts } = setUp()
    answers(() => 500)
    expect(await deliver(3 * DAY_MS, 5)).toEqual({ outcome: 'done' })
    expect(attempts).toEqual([expect.objectContaining({ outcome: 'failed', nextAttemptAt: null })])
  })

  test('for an endpoint that was removed nothing is sent', async () => {
    const { deliver, posts, attempts, change, pass } = setUp()
    await change(() => [])
    pass(1_000)
    expect(await deliver()).toEqual({ outcome: 'done' })
    expect([posts, attempts]).toEqual([[], []])
  })

  test('an endpoint that fails all the time is left alone for a while, without attempts', async () => {
    const { deliver, answers, posts, attempts } = setUp()
    answers(() => 503)
    const verdicts = []
    for (let time = 0; time < 40; time++) verdicts.push(await deliver())
    expect(posts.length).toBeLessThan(40)
    expect(attempts).toHaveLength(posts.length)
    const last = verdicts.at(-1)
    expect(last?.outcome === 'later' && last.ms).toBeGreaterThanOrEqual(CIRCUIT_PAUSE_MS)
  })
})
