import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { silentLogger } from '#tests/support/orders.ts'
import { continueTrace, withTrace } from '../trace.ts'
import { createBreaker, isCircuitOpen, isTimeout } from './breaker.ts'
import { createJsonClient, NoAnswerError, NotSentError } from './json-client.ts'

let baseUrl: string
let answer: (request: IncomingMessage, response: ServerResponse) => void
const received: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => (body += String(chunk)))
  request.on('end', () => {
    received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
    answer(request, response)
  })
})
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  received.length = 0
})

/** An address where nobody listens. */
async function closedPort(): Promise<string> {
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  return `http://127.0.0.1:${port}`
}

const breaker = (changes: object = {}) =>
  createBreaker({ name: 'test', timeoutMs: 20_000, logger: silentLogger, ...changes })
const client = (url = baseUrl, changes = {}) => createJsonClient({ baseUrl: url, breaker: breaker(changes) })
const reply = (status: number, text: string) => {
  answer = (_request, response) => response.writeHead(status, { 'x-own': 'yes' }).end(text)
}

describe('createJsonClient', () => {
  it('sends JSON with the trace and gives back the answer', async () => {
    reply(201, '{"id":1}')
    const trace = continueTrace(undefined)
    const call = {
      method: 'POST',
      path: '/a?b=c',
      body: { x: 1 },
      headers: { authorization: 'Bearer t' },
    } as const
    const { status, body, headers } = await withTrace(trace, () => client().call(call))
    expect([status, body, headers.get('x-own')]).toEqual([201, { id: 1 }, 'yes'])
    expect(received).toMatchObject([
      {
        method: 'POST',
        url: '/a?b=c',
        body: '{"x":1}',
        headers: {
          authorization: 'Bearer t',
          'content-type': 'application/json',
          traceparent: trace.traceparent,
        },
      },
    ])
  })

  it('gives back refusals, which the caller understands, and no body as null', async () => {
    reply(409, '{"code":"conflict"}')
    expect(await client().call({ method: 'GET', path: '/' })).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    })
    reply(204, '')
    expect(await client().call({ method: 'GET', path: '/' })).toMatchObject({ status: 204, body: null })
  })

  it('says that nothing was sent when nobody listens', async () => {
    const calling = client(await closedPort()).call({ method: 'POST', path: '/' })
    await expect(calling).rejects.toThrow(NotSentError)
    await expect(client('http://nowhere.invalid').call({ method: 'POST', path: '/' })).rejects.toThrow(
      NotSentError,
    )
  })

  it.each<[string, typeof answer, number?]>([
    ['an error of the server', (_request, response) => response.writeHead(500).end('{}')],
    ['a connection that breaks', (request) => request.socket.destroy()],
    ['what is no JSON', (_request, response) => response.end('<html>')],
    ['a redirection', (_request, response) => response.writeHead(302, { location: '/b' }).end()],
    [
      'half an answer',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('{"id"')
        setTimeout(() => response.destroy(), 10)
      },
    ],
    ['nothing in time', () => {}, 1_000],
  ])('says that the effect is unknown after %s, and sends nothing again', async (_what, behaviour, ms) => {
    answer = behaviour
    const changes = ms === undefined ? {} : { timeoutMs: ms }
    const calling = client(baseUrl, changes).call({ method: 'POST', path: '/' })
    await expect(calling).rejects.toThrow(NoAnswerError)
    await vi.waitFor(() => expect(received).toHaveLength(1), 40_000)
  })

  it('says that nothing was sent while the circuit is open, and sends nothing', async () => {
    answer = (_request, response) => response.writeHead(500).end()
    const calling = client(baseUrl, { halfOpenAfterMs: 60_000 })
    for (let at = 0; at < 30; at++) await calling.call({ method: 'POST', path: '/' }).catch(() => {})
    const sent = received.length
    expect(sent).toBeLessThan(30)
    await expect(calling.call({ method: 'POST', path: '/' })).rejects.toThrow(NotSentError)
    expect(received).toHaveLength(sent)
  })
})

describe('createBreaker', () => {
  const fail = () => Promise.reject(new Error('no'))

  it('opens when calls fail, lets one through after a while, and closes when that works', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const warn = vi.fn<() => void>()
    const tested = breaker({
      halfOpenAfterMs: 500,
      logger: Object.assign(Object.create(silentLogger), { warn }),
    })
    expect(tested.state()).toBe('closed')
    for (let at = 0; at < 20; at++) await tested.call(fail).catch(() => {})
    expect(tested.state()).toBe('open')
    const refused: unknown = await tested.call(async () => 1).catch((error: unknown) => error)
    expect(isCircuitOpen(refused)).toBe(true)
    vi.setSystemTime(Date.now() + 550)
    expect(await tested.call(async () => 'works')).toBe('works')
    expect(tested.state()).toBe('closed')
    expect(warn.mock.calls.length).toBeGreaterThanOrEqual(2)
  })

  it('does not count what is not the callee’s fault', async () => {
    const tested = breaker({ counts: () => false })
    for (let at = 0; at < 30; at++) await tested.call(fail).catch(() => {})
    expect(tested.state()).toBe('closed')
  })

  it('ends a call that takes too long and tells it so, and no other', async () => {
    const tested = breaker({ timeoutMs: 2_000 })
    let told = false
    const slow = tested.call((signal) => {
      signal.addEventListener('abort', () => (told = true))
      return new Promise(() => {})
    })
    const other = tested.call(async (signal) => {
      await sleep(40)
      return signal.aborted
    })
    const error: unknown = await slow.catch((reason: unknown) => reason)
    expect([isTimeout(error), isCircuitOpen(error), told]).toEqual([true, false, true])
    expect(await other).toBe(false)
  })
})
