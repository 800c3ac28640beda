import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Problem } from '#contracts/schemas.ts'
import { createLogger } from '../logger.ts'
import { parser } from '../validation.ts'
import { createHttpServer } from './server.ts'

const parseProblem = parser('the answer', Problem)
const app = createHttpServer({ logger: createLogger({ service: 'test', level: 'silent' }), probes: {} })
app.get('/', () => ({}))
let port: number

beforeAll(async () => {
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
})
afterAll(() => app.close())

/** Sends a request as it is and reads the answer. */
async function send(...lines: string[]): Promise<{ head: string; body: string }> {
  const socket = connect(port, '127.0.0.1')
  socket.write([...lines, 'connection: close', '', ''].join('\r\n'))
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  await once(socket, 'close')
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return { head, body }
}

test.each([
  ['no Host', ['GET / HTTP/1.1'], 400, 'malformed_request'],
  ['a second Host', ['GET / HTTP/1.1', 'host: a', 'Host: b'], 400, 'malformed_request'],
  [
    'a second Authorization',
    ['GET / HTTP/1.1', 'host: a', 'authorization: Bearer a', 'Authorization: Bearer a'],
    400,
    'malformed_request',
  ],
  ['an expectation nobody knows', ['GET / HTTP/1.1', 'host: a', 'expect: x'], 417, 'expectation_failed'],
])('%s is a problem with a request id', async (_what, lines, status, code) => {
  const { head, body } = await send(...lines)
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  const problem = parseProblem(JSON.parse(body))
  expect(problem).toMatchObject({ status, code })
  expect(head).toContain(`x-request-id: ${problem.requestId}`)
})

test.each([
  ['one Host', ['GET / HTTP/1.1', 'host: a']],
  ['no Host of an old client', ['GET / HTTP/1.0']],
  ['the expectation that everybody knows', ['GET / HTTP/1.1', 'host: a', 'expect: 100-continue']],
])('%s is fine', async (_what, lines) => {
  const { head } = await send(...lines)
  expect(head).toMatch(/HTTP\/1\.1 (100 Continue|200 OK)/)
})
