import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLogger } from '../logger.ts'
import { createHttpServer } from './server.ts'

const PATIENCE_MS = 500
const app = createHttpServer({
  logger: createLogger({ service: 'test', level: 'silent' }),
  probes: {},
  requestTimeoutMs: PATIENCE_MS,
})
app.post('/', () => ({}))
let port: number

beforeAll(async () => {
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
})
afterAll(() => app.close())

test.each([
  ['headers', 'POST / HTTP/1.1\r\nhost: a\r\nx: '],
  ['body', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n'],
])('who sends %s byte by byte is cut off soon after the time is over', async (_part, beginning) => {
  const socket = connect(port, '127.0.0.1')
  const started = performance.now()
  let answer = ''
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
  socket.on('error', () => {}) // a byte that comes after the end
  socket.write(beginning)
  const sending = setInterval(() => socket.write('1'), 100)
  await once(socket, 'close')
  clearInterval(sending)
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer).toContain('"request_timeout"')
  expect(performance.now() - started).toBeLessThan(PATIENCE_MS + 20_000)
})
