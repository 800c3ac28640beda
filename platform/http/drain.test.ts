import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createLogger } from '../logger.ts'
import { createHttpServer } from './server.ts'

const app = createHttpServer({ logger: createLogger({ service: 'test', level: 'silent' }), probes: {} })
app.post('/', () => ({}))
let port: number

beforeAll(async () => {
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
})
afterAll(() => app.close())

/** Sends a body of `pieces` × 1 MB, one after the other; what came back, and what went wrong. */
async function send(pieces: number): Promise<{ answer: string; error: Error | undefined }> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  let error: Error | undefined
  socket.on('data', (data: Buffer) => (answer += data.toString()))
  socket.on('error', (cause: Error) => (error = cause))
  const ended = new Promise((resolve) => socket.once('close', resolve))
  socket.write(
    `POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${pieces * 1_000_000}\r\n\r\n`,
  )
  for (let piece = 0; piece < pieces && !socket.destroyed; piece += 1) {
    socket.write('x'.repeat(1_000_000))
    await sleep(0)
  }
  await ended
  return { answer, error }
}

it('a client that still sends what is far too much reads the refusal', async () => {
  const { answer, error } = await send(30)
  expect(error).toBeUndefined()
  expect(answer).toContain('413')
  expect(answer).toContain('body_too_large')
})
