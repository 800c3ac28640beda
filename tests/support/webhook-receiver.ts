/** A merchant's server: it keeps what it gets, and answers as it is told. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll } from 'vitest'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
  answered: number | undefined
}

export interface WebhookReceiver {
  received: Received[]
  /** What it answers, by path; 204 elsewhere. */
  answers: Map<string, { status: number; location?: string } | 'never'>
  url(this: void, path: string): string
  server: Server
}

/** Listens while the tests of this file run. */
export function webhookReceiver(): WebhookReceiver {
  const received: Received[] = []
  const answers: WebhookReceiver['answers'] = new Map()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = answers.get(path) ?? { status: 204 }
      received.push({
        path,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
        answered: answer === 'never' ? undefined : answer.status,
      })
      if (answer === 'never') return
      response
        .writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location })
        .end()
    })
  })
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    received,
    answers,
    url: (path) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    server,
  }
}
