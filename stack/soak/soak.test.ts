import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import type { Order } from '#contracts/http/orders.ts'
import { createCaller } from './callers.ts'
import { livesOf } from './lives.ts'
import { closingMove, nextMove } from './moves.ts'

const ORDER: Order = {
  id: 'o',
  number: 'M-1',
  customerId: 'c',
  status: 'awaiting_customer',
  statusReason: null,
  needsAttention: false,
  currency: 'EUR',
  lines: [],
  subtotal: 0,
  tax: 0,
  shipping: 0,
  total: 0,
  shippingAddress: { name: 'n', line1: 'l', city: 'c', postalCode: 'p', country: 'NL' },
  payment: {
    status: 'created',
    authorized: 0,
    captured: 0,
    refunded: 0,
    method: { brand: null, last4: null },
  },
  fulfilment: { status: 'none' },
  shipments: [],
  returns: [],
  waitingFor: null,
  actions: [],
  version: 1,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
}

const CHANCES = Array.from({ length: 10_000 }, (_, chance) => chance)
const movesOf = (order: Order) => new Set(CHANCES.map((chance) => nextMove(order, chance)))

describe('a life', () => {
  test('is the same again with its seed, and another with another', () => {
    expect(livesOf(7, 20)).toEqual(livesOf(7, 20))
    expect(livesOf(8, 20)).not.toEqual(livesOf(7, 20))
  })

  test('goes on with what is possible, or waits', () => {
    expect(movesOf(ORDER)).toEqual(new Set([undefined]))
    const asked: Order = {
      ...ORDER,
      waitingFor: { what: 'shortage_decision', until: null },
      actions: ['cancel', 'decide'],
    }
    expect(movesOf(asked)).toEqual(new Set(['cancel', 'decide', undefined]))
  })

  test('comes to an end: what waits for the customer is cancelled, what has left arrives', () => {
    const waiting: Order = { ...ORDER, waitingFor: { what: 'stock', until: null }, actions: ['cancel'] }
    expect(closingMove(waiting)).toBe('cancel')
    expect(closingMove({ ...ORDER, actions: ['cancel', 'amend'] })).toBeUndefined()
    const parcel = { id: 's', orderId: 'o', warehouse: 'AMS', lines: [], carrier: 'sandbox', history: [] }
    const under = { ...parcel, status: 'dispatched' as const, trackingNumber: 'T' }
    expect(closingMove({ ...ORDER, shipments: [under] })).toBe('deliverParcel')
  })
})

describe('a caller', () => {
  const answers: number[] = []
  const keys: (string | undefined)[] = []
  const server = createServer((request: IncomingMessage, response) => {
    request.resume()
    const isLogin = request.url === '/api/v1/auth/login'
    const status = isLogin ? 200 : (answers.shift() ?? 201)
    if (!isLogin) keys.push(request.headers['idempotency-key']?.toString())
    const problem = {
      type: 't',
      title: 't',
      status,
      code: 'internal',
      detail: 'd',
      instance: 'i',
      requestId: 'r',
    }
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' })
    response.end(JSON.stringify(isLogin ? { accessToken: 'token' } : status < 400 ? {} : problem))
  })
  afterAll(() => server.close())

  test('comes again with its key while nobody can take the call, and reports a 500', async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const defects: string[] = []
    const caller = createCaller(`http://127.0.0.1:${port}`, 'a@b.c', (defect) => defects.push(defect))
    answers.push(503, 502, 429, 201)
    expect((await caller.post('/x', {})).said).toBe('201')
    expect(keys).toHaveLength(4)
    expect(new Set(keys).size).toBe(1)
    answers.push(500, 500)
    expect((await caller.post('/x', {})).said).toBe('500 internal')
    await expect(caller.read('/y')).rejects.toThrow('500')
    expect(defects).toEqual(['POST /x: internal', 'GET /y: 500 internal: d'])
  })
})
