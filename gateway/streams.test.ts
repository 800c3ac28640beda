import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { listen } from '#tests/support/event-stream.ts'
import { createStreams } from './streams.ts'
import { natsOf, startTestGateway, type TestGateway } from './testing/harness.ts'

const EVENT = 'id: 1-1\nevent: timeline\ndata: {"name":"one"}\n\n'
const path = `/api/v1/orders/${randomUUID()}/events`

describe('a stream through the gateway', () => {
  let gateway: TestGateway
  let source: PassThrough
  const start = async (upstreamTimeoutMs: number): Promise<void> => {
    gateway = await startTestGateway({
      nats: natsOf(inject('infrastructure')),
      environment: { UPSTREAM_TIMEOUT_MS: String(upstreamTimeoutMs) },
    })
    source = new PassThrough()
    gateway.services.orders.answer = (_request, reply) =>
      reply.headers({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' }).send(source)
  }
  beforeEach(() => start(25_000))
  afterEach(() => gateway.stop())
  const open = async (lastEventId?: string) =>
    listen(gateway.url + path, {
      authorization: await gateway.bearer(['customer']),
      ...(lastEventId === undefined ? {} : { lastEventId }),
    })

  test('passes events on as they come, longer than any answer may take', async () => {
    await gateway.stop()
    await start(2_000)
    source.write('retry: 2000\n\n')
    const reader = await open('7-8')
    expect([reader.status, reader.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    expect(reader.headers.get('x-accel-buffering')).toBe('no')
    const [request] = gateway.services.orders.requests
    expect([request?.url, request?.headers['last-event-id']]).toEqual([path, '7-8'])
    await sleep(4_500) // more than twice the patience with other answers
    source.write(EVENT)
    await vi.waitFor(() => expect(reader.events.map(({ id }) => id)).toEqual(['1-1']), 40_000)
    source.end()
    await reader.ended
  })

  test('tells the service that its client has left', async () => {
    source.write(EVENT)
    const reader = await open()
    reader.close()
    await vi.waitFor(() => expect(source.destroyed).toBe(true), 40_000)
  })

  test('ends in order when the gateway stops, at once', async () => {
    source.write(EVENT)
    const reader = await open()
    const started = performance.now()
    const stopped = gateway.stop()
    await reader.ended
    await stopped
    expect(performance.now() - started).toBeLessThan(20_000)
  })

  test('ends when the service breaks off, and is not counted as its fault when clients leave', async () => {
    source.write(EVENT)
    const reader = await open()
    await vi.waitFor(() => expect(reader.events).toHaveLength(1), 40_000)
    source.destroy(new Error('the process ended'))
    await reader.ended
  })

  test('is for this path only: elsewhere events are no answer', async () => {
    source.write(EVENT)
    const answer = await fetch(`${gateway.url}${path.replace('/events', '')}`, {
      headers: { authorization: await gateway.bearer(['customer']) },
    })
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
      502,
      'upstream_unreachable',
    ])
  })

  test('ends soon after its token has, and the next one needs a new token', async () => {
    source.write(EVENT)
    async function openForSeconds() {
      // it is over already, but clocks may differ by five seconds: for three more it is good
      const issuedAt = Math.floor(Date.now() / 1_000) - 3
      const token = await gateway.issuer.sign(randomUUID(), ['customer'], { issuedAt, lifetimeSeconds: 2 })
      const authorization = `Bearer ${token}`
      const reader = await listen(gateway.url + path, { authorization })
      expect(reader.status).toBe(200)
      return { reader, issuedAt, authorization }
    }
    // a pause of the machine may be longer than that
    const { reader, issuedAt, authorization } = await vi.waitFor(openForSeconds, 40_000)
    await reader.ended
    expect(Date.now() / 1_000).toBeGreaterThan(issuedAt + 2 + 5)
    expect((await listen(gateway.url + path, { authorization })).status).toBe(401)
  }, 60_000)

  test('has no HEAD: nothing would end it', async () => {
    const answer = await fetch(gateway.url + path, {
      method: 'HEAD',
      headers: { authorization: await gateway.bearer(['customer']) },
    })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
    expect(gateway.services.orders.requests).toEqual([])
  })

  test('is not for strangers', async () => {
    expect((await fetch(gateway.url + path)).status).toBe(401)
    expect(gateway.services.orders.requests).toEqual([])
  })
})

describe('a stream', () => {
  test('ends when its caller’s credentials are void', async () => {
    const assertStillAllowed = vi.fn<() => Promise<void>>().mockResolvedValue()
    const source = new PassThrough()
    const out = createStreams(20).passOn(source, { assertStillAllowed })
    source.write('one')
    await vi.waitFor(() => expect(assertStillAllowed.mock.calls.length).toBeGreaterThan(2), 40_000)
    expect(out.readableEnded).toBe(false)
    assertStillAllowed.mockRejectedValueOnce(new Error('revoked'))
    expect(await text(out)).toBe('one')
    await vi.waitFor(() => expect(source.destroyed).toBe(true), 40_000)
    const { length } = assertStillAllowed.mock.calls
    await sleep(60)
    expect(assertStillAllowed).toHaveBeenCalledTimes(length)
  })
})
