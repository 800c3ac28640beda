/** What the sandbox's tests share: a client, a place for ledgers, a receiver of webhooks. */
import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Type, { type Static } from 'typebox'
import { parser } from '#platform/validation.ts'

export const API_KEY = 'sk_test_of_the_sandbox'
export const WEBHOOK_SECRET = 'whsec_of_the_sandbox'

/** Whatever JSON came; tests say what they expect of it. */
const Body = Type.Record(Type.String(), Type.Any())
const parseBody = parser('an answer', Body)

export interface Answer {
  status: number
  replayed: boolean
  contentType: string
  body: Static<typeof Body>
}

export interface TestClient {
  get(path: string): Promise<Answer>
  /** With a new idempotency key unless one is given. */
  post(path: string, body?: unknown, key?: string): Promise<Answer>
  send(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer>
}

export function createTestClient(url: string): TestClient {
  const authorization = `Bearer ${API_KEY}`

  const send: TestClient['send'] = async (method, at, headers, body) => {
    const response = await fetch(url + at, { method, headers, ...(body === undefined ? {} : { body }) })
    const contentType = response.headers.get('content-type') ?? ''
    return {
      status: response.status,
      replayed: response.headers.get('idempotent-replayed') === 'true',
      contentType,
      body: contentType.includes('json') ? parseBody(await response.json()) : { text: await response.text() },
    }
  }

  return {
    send,
    get: (at) => send('GET', at, { authorization }),
    post(at, body, key = randomUUID()) {
      const headers = { authorization, 'idempotency-key': key }
      if (body === undefined) return send('POST', at, headers)
      return send('POST', at, { ...headers, 'content-type': 'application/json' }, JSON.stringify(body))
    },
  }
}

/** A folder for ledgers, and how to throw it away. */
export function temporaryFolder(): { file(name: string): string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'mainstay-sandbox-'))
  return {
    file: (name) => path.join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface ReceivedWebhook {
  body: Static<typeof Body>
  raw: string
  signature: string
}

/** Takes webhooks; `answers` are the statuses of the first ones, then 200. */
export async function startReceiver(signatureHeader: string, answers: number[] = []) {
  const received: ReceivedWebhook[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString()
      const signature = String(request.headers[signatureHeader])
      received.push({ body: parseBody(JSON.parse(raw)), raw, signature })
      response.writeHead(answers.shift() ?? 200).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    received,
    async stop(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Verifies a signature as a receiver would, from the documentation alone. */
export function isSigned({ raw, signature }: ReceivedWebhook, secret: string): boolean {
  const [, time, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? []
  return digest === createHmac('sha256', secret).update(`${time}.${raw}`).digest('hex')
}

/** Waits until it is so, by a clock that tests leave alone. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  milliseconds = 40_000,
): Promise<void> {
  for (const end = performance.now() + milliseconds; !(await condition());) {
    if (performance.now() > end) throw new Error('it did not come to that in time')
    await sleep(10)
  }
}
