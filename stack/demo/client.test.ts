import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ApiError, createApiClient, type ApiClient } from './client.ts'

/** What is answered next, and the keys of what came. */
let answers: (number | [number, string])[]
let keys: (string | undefined)[]
let server: Server
let client: ApiClient

const ORDER = {
  lines: [{ sku: 'MUG-WHITE', quantity: 1 }],
  shippingAddress: { name: 'N', line1: 'L', city: 'C', postalCode: 'P', country: 'NL' },
  paymentMethod: 'pm_card_visa',
}

beforeAll(async () => {
  server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'] as string | undefined)
    const answer = answers.shift() ?? 503
    const [status, code] = typeof answer === 'number' ? [answer, 'c'] : answer
    const problem = { type: 't', title: 't', status, code, detail: 'd', instance: '/', requestId: 'r' }
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
    answers = [503, 502, 504, [409, 'idempotency_in_progress'], 202]
    expect(await client.command('/')).toEqual({ done: true })
    expect(keys).toHaveLength(5)
    expect(new Set(keys).size).toBe(1)
  })

  test('is given up when that lasts, and at once when it is refused', async () => {
    await expect(client.command('/')).rejects.toThrow(ApiError)
    expect(keys).toHaveLength(16)
    answers = [409]
    await expect(client.command('/')).rejects.toMatchObject({ problem: { status: 409 } })
    expect(keys).toHaveLength(17)
  })

  test('with a key of the caller’s, such as an order, is sent again with that one', async () => {
    answers = [503, 201, 504, 409]
    await client.placeOrder(ORDER, 'mine')
    expect(await client.post('/', {}, 'other')).toMatchObject({ status: 409, body: { code: 'c' } })
    expect(keys).toEqual(['mine', 'mine', 'other', 'other'])
  })
})
