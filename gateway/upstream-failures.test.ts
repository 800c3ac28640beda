import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { impatientGateway, patientGateway } from '#tests/support/gateway.ts'
import { startFakeService } from './testing/harness.ts'
import { rawRequest, type RawRequest } from './testing/raw-request.ts'

const gateway = await patientGateway()
const impatient = await impatientGateway()
const raw = (options: RawRequest) => rawRequest(gateway.url, options)

describe('services that fail', () => {
  test('one that takes too long is 504, and nothing is sent twice', async () => {
    const answered = Promise.withResolvers<object>()
    impatient.services.orders.answer = () => answered.promise
    const answer = await rawRequest(impatient.url, {
      method: 'POST',
      path: '/api/v1/orders',
      headers: { authorization: await impatient.bearer(['customer']) },
      body: '{}',
    })
    expect(answer.status).toBe(504)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_timeout' })
    answered.resolve({})
    await sleep(500)
    expect(impatient.services.orders.requests).toHaveLength(1)
  })

  test('one that breaks off is 502', async () => {
    gateway.services.orders.answer = (request, reply) => {
      reply.hijack()
      request.raw.socket.destroy()
      return reply
    }
    const authorization = await gateway.bearer(['customer'])
    const answer = await raw({ path: '/api/v1/orders', headers: { authorization } })
    expect(answer.status).toBe(502)
    expect(answer.headers['retry-after']).toBe('2')
    expect(gateway.services.orders.requests).toHaveLength(1)
  })

  test('clients that hang up count against nobody', async () => {
    let arrived = Promise.withResolvers<void>()
    gateway.services.inventory.answer = async () => {
      arrived.resolve()
      await sleep(150)
      return { data: [] }
    }
    for (let round = 0; round < 15; round += 1) {
      arrived = Promise.withResolvers()
      const client = new AbortController()
      const call = fetch(`${gateway.url}/api/v1/products`, { signal: client.signal })
      await arrived.promise
      client.abort()
      await expect(call).rejects.toThrow()
    }
    await sleep(300)
    expect(gateway.services.inventory.requests).toHaveLength(15)
    const answer = await raw({ path: '/api/v1/products' })
    expect(answer).toMatchObject({ status: 200, body: '{"data":[]}' })
  })

  test('one that is away is 502; its breaker opens and closes again when it is back', async () => {
    // the breaker lets a call through again after two seconds, which pass when the test says so
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const port = Number(new URL(gateway.services.payments.url).port)
    await gateway.services.payments.stop()
    const send = () => raw({ method: 'POST', path: '/api/v1/webhooks/payments/sandbox', body: '{}' })
    const first = await send()
    expect(first.status).toBe(502)
    expect(first.headers['retry-after']).toBe('2')
    expect(JSON.parse(first.body)).toMatchObject({
      code: 'upstream_unreachable',
      detail: 'The payments service cannot be reached; nothing has happened.',
    })
    const statuses = new Set<number>()
    for (let round = 0; round < 40 && !statuses.has(503); round += 1) statuses.add((await send()).status)
    expect(statuses).toEqual(new Set([502, 503]))
    const open = await send()
    expect(JSON.parse(open.body)).toMatchObject({ code: 'unavailable' })
    expect(open.headers['retry-after']).toBe('2')
    // the others are not touched by it
    expect((await raw({ path: '/api/v1/products' })).status).toBe(200)

    gateway.services.payments = await startFakeService(port)
    expect((await send()).status).toBe(503)
    vi.setSystemTime(Date.now() + 2_100)
    expect((await send()).status).toBe(200)
    expect((await send()).status).toBe(200)
    expect(gateway.services.payments.requests).toHaveLength(2)
  })
})
