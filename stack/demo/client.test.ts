import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ApiError, createApiClient, type ApiClient } from './client.ts'

/** What is answered next, and the keys of what came. */
let answers: number[]
let keys: (string | undefined)[]
let server: Server
let client: ApiClient

beforeAll(async () => {
  server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'] as string | undefined)
    const status = answers.shift() ?? 503
    const problem = { type: 't', title: 't', status, code: 'c', detail: 'd', instance: '/', requestId: 'r' }
    response
      .writeHead(status, { 'retry-after': '0' })
      .end(JSON.stringify(status < 400 ? { done: true } : problem))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  client = createApiClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
beforeEach(() => {
  answers = []
  keys = []
})
afterAll(() => server.close())

describe('a command', () => {
  test('that nobody could take is sent again with its key', async () => {
    answers = [503, 503, 202]
    expect(await client.command('/')).toEqual({ done: true })
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
  })

  test('is given up when that lasts, and at once when it is refused', async () => {
    await expect(client.command('/')).rejects.toThrow(ApiError)
    expect(keys).toHaveLength(5)
    answers = [409]
    await expect(client.command('/')).rejects.toMatchObject({ problem: { status: 409 } })
    expect(keys).toHaveLength(6)
  })
})
