/* oxlint-disable oxc/no-async-endpoint-handlers -- these are Fastify handlers, which are awaited */
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import Type from 'typebox'
import { Problem } from '#contracts/schemas.ts'
import { ERRORS, type ErrorCode } from '#contracts/errors.ts'
import { createLogger } from '../logger.ts'
import { ProblemError } from '../problem.ts'
import { currentTrace } from '../trace.ts'
import { parser } from '../validation.ts'
import { createHttpServer, type HttpServer, type HttpServerOptions } from './server.ts'

const parseProblem = parser('the answer', Problem)
const apps: HttpServer[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()))
})

/** A real server with routes that fail in every way. */
async function serve(options: Partial<HttpServerOptions> = {}) {
  let logged = ''
  const logger = createLogger({
    service: 'test',
    level: 'error',
    destination: { write: (line) => (logged += line) },
  })
  const app = createHttpServer({ logger, probes: {}, ...options })
  apps.push(app)
  app.post(
    '/echo',
    { schema: { body: Type.Object({ a: Type.Integer() }, { additionalProperties: false }) } },
    async (request) => ({ body: request.body, traceId: currentTrace()?.traceId }),
  )
  app.get(
    '/things/:id',
    { schema: { querystring: Type.Object({ limit: Type.Integer({ maximum: 10, default: 5 }) }) } },
    async (request) => ({ params: request.params, query: request.query }),
  )
  app.delete('/things/:id', async () => ({}))
  app.get('/problem/:code', async (request) => {
    const { code } = request.params as { code: ErrorCode }
    throw new ProblemError(code, 'For a reason.', {
      retryAfter: 3,
      errors: [{ path: 'a', message: 'is wrong' }],
    })
  })
  app.get('/bug', async () => {
    throw new Error('the password is hunter2')
  })
  app.get('/away', async () => {
    throw new Error('the order was not read', {
      cause: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
    })
  })
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- other people's code does it
  app.get('/not-an-error', () => Promise.reject('a string'))
  app.get('/syntax-error', async () => {
    JSON.parse('{')
  })
  app.get('/files/*', (_request, reply) => reply.callNotFound())
  app.get('/slow', async () => {
    await sleep(150)
    return { traceId: currentTrace()?.traceId }
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const call = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, init)
    const text = await response.text()
    return { status: response.status, headers: response.headers, text }
  }
  const problem = async (path: string, init: RequestInit = {}) => {
    const { status, headers, text } = await call(path, init)
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
    const body = parseProblem(JSON.parse(text))
    expect(body.status).toBe(status)
    expect(body.requestId).toBe(headers.get('x-request-id'))
    expect(body.type).toBe(`https://mainstay.dev/errors#${body.code}`)
    return { ...body, headers }
  }
  return { app, url, call, problem, logged: () => logged }
}

const json = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json', ...headers },
})

describe('problems', () => {
  it('answer every code with its status and title, and say when to come again', async () => {
    const { problem } = await serve()
    for (const [code, { status, title }] of Object.entries(ERRORS)) {
      const body = await problem(`/problem/${code}?x=1`)
      expect(body).toMatchObject({
        code,
        status,
        title,
        detail: 'For a reason.',
        instance: `/problem/${code}`,
      })
      expect(body.errors).toEqual([{ path: 'a', message: 'is wrong' }])
      expect(body.headers.get('retry-after')).toBe('3')
      expect(body.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null)
    }
  })

  it.each(['/bug', '/not-an-error', '/syntax-error'])(
    'hide what went wrong inside (%s) and log it',
    async (path) => {
      const { problem, logged } = await serve()
      const body = await problem(path)
      expect(body.code).toBe('internal')
      expect(JSON.stringify(body)).not.toContain('hunter2')
      expect(logged()).toContain(body.requestId)
    },
  )

  it('say when what a call needs is away, and log it', async () => {
    const { problem, logged } = await serve()
    const { code, status, headers, detail, requestId } = await problem('/away')
    expect([code, status, headers.get('retry-after')]).toEqual(['unavailable', 503, '2'])
    expect(detail).not.toContain('ECONNREFUSED')
    expect(logged()).toContain(requestId)
  })

  it.each([
    ['is no JSON', json('{'), 'malformed_json', 400],
    ['is empty', json(''), 'malformed_json', 400],
    ['poisons prototypes', json('{"__proto__": {"x": 1}}'), 'malformed_json', 400],
    ['is of another type', json('a=1', { 'content-type': 'text/csv' }), 'unsupported_media_type', 415],
    ['is plain text', json('{"a": 1}', { 'content-type': 'text/plain' }), 'unsupported_media_type', 415],
    ['is too large', json(JSON.stringify({ a: 'x'.repeat(2_000) })), 'body_too_large', 413],
    ['lacks a field', json('{}'), 'validation_failed', 400],
    ['has a field too many', json('{"a": 1, "b": 2}'), 'validation_failed', 400],
    ['has a number as text', json('{"a": "1"}'), 'validation_failed', 400],
  ])('answer a body that %s', async (_what, init, code, status) => {
    const { problem } = await serve({ bodyLimit: 1_000 })
    expect(await problem('/echo', init)).toMatchObject({ code, status })
  })

  it('name the field', async () => {
    const { problem } = await serve()
    const body = await problem('/echo', json('{"b": 2}'))
    expect(body.errors).toEqual([
      { path: 'a', message: 'is required' },
      { path: 'b', message: 'is not a known field' },
    ])
    expect(body.detail).toBe('The body is not valid: a is required; b is not a known field.')
    expect((await problem('/things/1?limit=11')).errors).toEqual([
      { path: 'limit', message: 'must be <= 10' },
    ])
  })

  it('answer a body that is shorter than it says', async () => {
    const { url } = await serve()
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.end(
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"a":',
    )
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 400/)
    socket.destroy()
  })

  it.each([
    ['has two lengths', 'content-length: 2\r\ncontent-length: 3\r\n\r\n{}', 400, 'malformed_request'],
    [
      'has a length and chunks',
      'content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'malformed_request',
    ],
    ['has headers without end', `x: ${'x'.repeat(40_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ])('answer a message that %s', async (_what, rest, status, code) => {
    const { url } = await serve()
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.write(`POST /echo HTTP/1.1\r\nhost: x\r\nx-request-id: mine-12345\r\n${rest}`)
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    await once(socket, 'close')
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head).toContain('content-type: application/problem+json')
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`)
    const problem = parseProblem(JSON.parse(body))
    expect(problem).toMatchObject({ status, code })
    expect(head).toContain(`x-request-id: ${problem.requestId}`)
  })

  it('answer paths that are none', async () => {
    const { problem } = await serve()
    expect(await problem('/nowhere')).toMatchObject({ code: 'not_found', status: 404 })
    expect(await problem('/things/%zz')).toMatchObject({ code: 'validation_failed', status: 400 })
    expect(await problem(`/things/${'x'.repeat(300)}`)).toMatchObject({ code: 'not_found', status: 404 })
  })

  it('answer what a route of many paths does not find', async () => {
    const { call, problem } = await serve()
    expect(await problem('/files/nope')).toMatchObject({ code: 'not_found', status: 404 })
    expect((await call('/files/nope', { method: 'POST' })).status).toBe(405)
  })

  it('say which methods a path takes, also one with parameters', async () => {
    const { problem, call } = await serve()
    const body = await problem('/things/1', { method: 'PUT' })
    expect(body).toMatchObject({ code: 'method_not_allowed', status: 405 })
    expect(body.headers.get('allow')?.split(', ').toSorted()).toEqual(['DELETE', 'GET', 'HEAD'])
    expect((await problem('/echo')).headers.get('allow')).toBe('POST')
    expect(await problem('/echo/deeper')).toMatchObject({ code: 'not_found' })
    expect((await call('/things/1', { method: 'OPTIONS' })).status).toBe(405)
    const head = await call('/things/1', { method: 'HEAD' })
    expect([head.status, head.text]).toEqual([200, ''])
    expect((await call('/echo', { method: 'HEAD' })).status).toBe(405)
  })
})

describe('requests', () => {
  it('convert the query and fill in what it leaves out, and take bodies literally', async () => {
    const { call } = await serve()
    expect(JSON.parse((await call('/things/7?limit=3')).text)).toEqual({
      params: { id: '7' },
      query: { limit: 3 },
    })
    expect(JSON.parse((await call('/things/7')).text)).toMatchObject({ query: { limit: 5 } })
    expect(JSON.parse((await call('/echo', json('{"a": 1}'))).text)).toMatchObject({ body: { a: 1 } })
  })

  it('keep a valid request id and replace every other', async () => {
    const { call } = await serve()
    const idOf = async (id: string) =>
      (await call('/things/1', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
    expect(await idOf('a-valid-id_1.2')).toBe('a-valid-id_1.2')
    for (const id of ['short', 'x'.repeat(129), 'with space 123', 'semi;colon123']) {
      expect(await idOf(id)).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  it('belong each to its own trace, also when bodies trickle in over one connection', async () => {
    const { url } = await serve()
    const ids = Array.from({ length: 30 }, (_, index) => String(index + 1).padStart(32, '0'))
    const answers = await Promise.all(
      ids.map(async (id, index) => {
        const headers = { traceparent: `00-${id}-00f067aa0ba902b7-01`, 'content-type': 'application/json' }
        if (index % 2 === 0) {
          const response = await fetch(`${url}/slow`, { headers })
          return JSON.parse(await response.text()).traceId
        }
        const request = httpRequest(`${url}/echo`, { method: 'POST', headers })
        request.write('{"a":')
        await sleep(10 + (index % 5))
        request.end('1}')
        const [response] = await once(request, 'response')
        let text = ''
        for await (const chunk of response) text += String(chunk)
        return JSON.parse(text).traceId
      }),
    )
    expect(answers).toEqual(ids)
  })
})
