import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDestinations } from './destination.ts'
import { createPost, reasonOf } from './post.ts'
import { secretOf, sign } from './signature.ts'

let server: Server
let connections = 0
let handle: (request: IncomingMessage, response: ServerResponse) => void = () => {}

beforeAll(async () => {
  server = createServer((request, response) => handle(request, response)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  server.on('connection', () => (connections += 1))
})
beforeEach(() => {
  connections = 0
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const port = () => (server.address() as AddressInfo).port
const local = createPost(createDestinations({ allowLoopback: true }))
const strict = createPost(createDestinations({ allowLoopback: false }))
const request = (url: string, timeoutMs = 20_000) => ({
  url,
  body: '{"a":"ä"}',
  headers: sign(secretOf('m'.repeat(32), 'e'), 'event-1', '{"a":"ä"}', Date.now()),
  signal: AbortSignal.timeout(timeoutMs),
})
const failure = (attempt: Promise<number>) => attempt.then(String, (error: unknown) => reasonOf(error))

describe('an attempt', () => {
  test('sends the body as it is, and nothing of ours but its headers', async () => {
    const seen: { method?: string | undefined; headers: object; body: string }[] = []
    handle = (incoming, response) => {
      incoming.setEncoding('utf8').once('data', (body: string) => {
        seen.push({ method: incoming.method, headers: incoming.headers, body })
        response.writeHead(201).end()
      })
    }
    expect(await local(request(`http://127.0.0.1:${port()}/hook?a=1`))).toBe(201)
    expect(seen).toEqual([
      {
        method: 'POST',
        body: '{"a":"ä"}',
        headers: {
          'webhook-id': 'event-1',
          'webhook-timestamp': expect.any(String),
          'webhook-signature': expect.any(String),
          'content-type': 'application/json',
          'content-length': '10',
          'user-agent': expect.stringMatching(/^Mainstay\//),
          host: `127.0.0.1:${port()}`,
          connection: 'close',
        },
      },
    ])
  })

  test('takes the status at once, however long the answer goes on, and ends the connection', async () => {
    let ended = false
    let sent = 0
    handle = (_incoming, response) => {
      response.writeHead(200)
      const flood = setInterval(() => {
        sent += 16_384
        response.write(Buffer.alloc(16_384))
      }, 5)
      response.once('close', () => {
        clearInterval(flood)
        ended = true
      })
    }
    expect(await local(request(`http://127.0.0.1:${port()}/`))).toBe(200)
    await expect.poll(() => ended, { timeout: 40_000 }).toBe(true)
    expect(sent).toBeLessThan(16_384 * 100)
  })

  test('ends when its time is up', async () => {
    handle = () => {}
    expect(await failure(local(request(`http://127.0.0.1:${port()}/`, 200)))).toBe('timeout')
  })

  test('does not dial a literal address that is not public, whenever the endpoint was made', async () => {
    for (const url of [`https://127.0.0.1:${port()}/`, `https://[::ffff:7f00:1]:${port()}/`]) {
      expect(await failure(strict(request(url)))).toBe('address_refused')
    }
    expect(await failure(strict(request(`http://127.0.0.1:${port()}/`)))).toBe('address_refused')
    expect(connections).toBe(0)
  })

  test('says what is not there and what speaks no TLS', async () => {
    expect(await failure(local(request('http://127.0.0.1:1/')))).toBe('unreachable')
    handle = (_incoming, response) => response.end()
    expect(await failure(local(request(`https://127.0.0.1:${port()}/`)))).toBe('tls')
    expect(await failure(local(request('http://nowhere.invalid/')))).toBe('unreachable')
  })
})
