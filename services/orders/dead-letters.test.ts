import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { DeadLetter } from '#contracts/http/operations.ts'
import { Page, type Role } from '#contracts/schemas.ts'
import { startConsumer, type EventConsumer } from '#platform/events/consumer.ts'
import type { EventBus } from '#platform/events/event-bus.ts'
import { createDeadLetters } from '#platform/events/redrive.ts'
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import {
  createCallerVerifier,
  createServiceTokenSigner,
  generateSigningKey,
  type ServiceTokenSigner,
} from '#platform/service-token.ts'
import { parser } from '#platform/validation.ts'
import { outgoing, subjectsOfUser, testBus } from '#tests/support/broker.ts'
import { silentLogger, testOrders } from '#tests/support/orders.ts'
import { startProxy, type Proxy } from '#tests/support/proxy.ts'
import { registerDeadLetterRoutes } from './dead-letters.ts'

const parsePage = parser('the answer', Page(DeadLetter))
const parseLetter = parser('the answer', DeadLetter)
const operatorId = randomUUID()
const PATH = '/api/v1/operations/dead-letters'

let bus: EventBus
let proxy: Proxy
let app: HttpServer
let url: string
let signer: ServiceTokenSigner
const keys = createServer((_request, response) => response.end(JSON.stringify(signer.publicKeys())))

beforeAll(async () => {
  const { database } = await testOrders()
  bus = testBus()
  proxy = await startProxy(new URL(inject('infrastructure').natsUrl).host)
  const through = testBus(`nats://${proxy.address}`)
  await Promise.all([bus.ready(), through.ready()])
  const deadLetters = createDeadLetters(through)
  signer = await createServiceTokenSigner('gateway', await generateSigningKey())
  keys.listen(0, '127.0.0.1')
  await once(keys, 'listening')
  const keysUrl = new URL(`http://127.0.0.1:${(keys.address() as AddressInfo).port}`)
  app = createHttpServer({ logger: silentLogger, probes: {} })
  registerDeadLetterRoutes(app, createCallerVerifier('orders', new Map([['gateway', keysUrl]])), {
    database,
    deadLetters,
  })
  url = await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await app.close()
  keys.close()
})

async function call(
  method: string,
  path: string,
  { key, roles = ['operator'] }: { key?: string; roles?: Role[] } = {},
) {
  const token = await signer.sign('orders', { kind: 'user', subject: operatorId, roles, scopes: ['*'] })
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}

async function listed(consumer: string, redriven = false) {
  const found: DeadLetter[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const query: string = `redriven=${redriven}&limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`
    const page = parsePage((await call('GET', `${PATH}?${query}`)).body)
    found.push(...page.data.filter((letter) => letter.consumer === consumer))
    cursor = page.nextCursor
  }
  return found
}

/** A consumer with one event that it cannot handle until `mend` is called. */
async function withPoison(
  test: (poisoned: {
    letter: DeadLetter
    event: ReturnType<typeof outgoing>
    handled: string[]
    mend: () => void
  }) => Promise<void>,
) {
  const id = randomUUID()
  const durable = `poisoned-${id}`
  let isBroken = true
  const handled: string[] = []
  const consumer: EventConsumer = startConsumer({
    bus,
    service: 'inventory',
    durable,
    subjects: subjectsOfUser(id),
    logger: silentLogger,
    maxFailures: 1,
    async handle({ eventId }) {
      if (isBroken) throw new Error('it is poison')
      handled.push(eventId)
    },
  })
  try {
    const event = outgoing(id, 7)
    await bus.publish(event)
    await vi.waitFor(async () => expect(await listed(durable)).toHaveLength(1), 40_000)
    const [letter] = await listed(durable)
    await test({ letter: letter!, event, handled, mend: () => (isBroken = false) })
  } finally {
    await consumer.stop()
  }
}

describe('dead letters', () => {
  it('are listed with the event’s ids and nothing else of it', () =>
    withPoison(async ({ letter, event }) => {
      expect(letter).toEqual({
        id: expect.stringMatching(/^\d+$/),
        service: 'inventory',
        consumer: letter.consumer,
        eventId: event.eventId,
        eventType: 'user.registered',
        aggregateId: event.aggregateId,
        version: 7,
        error: 'Error: it is poison',
        deliveries: 1,
        since: expect.any(String),
        status: 'dead',
        redrivenAt: null,
        redrivenBy: null,
        redriveOf: null,
      })
    }))

  it('are handled once when their cause is gone and an operator sends them again', () =>
    withPoison(async ({ letter, event, handled, mend }) => {
      mend()
      const key = randomUUID()
      const answer = await call('POST', `${PATH}/${letter.id}/redrive`, { key })
      expect([answer.status, parseLetter(answer.body).status]).toEqual([202, 'redriving'])
      await vi.waitFor(async () => expect(await listed(letter.consumer)).toEqual([]), 40_000)
      expect(handled).toEqual([event.eventId])
      expect(await listed(letter.consumer, true)).toMatchObject([
        { id: letter.id, status: 'redriven', redrivenBy: operatorId, redrivenAt: expect.any(String) },
      ])

      const repeated = await call('POST', `${PATH}/${letter.id}/redrive`, { key })
      expect(repeated.body).toEqual(answer.body)
      expect(repeated.headers.get('idempotency-replayed')).toBe('true')
      const anew = await call('POST', `${PATH}/${letter.id}/redrive`, { key: randomUUID() })
      expect(anew).toMatchObject({ status: 409, body: { code: 'dead_letter_redriven' } })
      expect(handled).toEqual([event.eventId])
    }))

  it('that fail again say which letter they have become', () =>
    withPoison(async ({ letter }) => {
      await call('POST', `${PATH}/${letter.id}/redrive`, { key: randomUUID() })
      await vi.waitFor(async () => {
        const [again, ...others] = await listed(letter.consumer)
        expect([again?.redriveOf, again?.status, others]).toEqual([letter.id, 'dead', []])
      }, 40_000)
      expect(await listed(letter.consumer, true)).toMatchObject([
        { status: 'failed_again' },
        { status: 'dead' },
      ])
      const anew = await call('POST', `${PATH}/${letter.id}/redrive`, { key: randomUUID() })
      expect(anew).toMatchObject({ status: 409, body: { code: 'dead_letter_redriven' } })
    }))

  it('are for operators', async () => {
    for (const roles of [['customer'], ['courier']] satisfies Role[][]) {
      expect(await call('GET', PATH, { roles })).toMatchObject({ status: 403, body: { code: 'forbidden' } })
      const redrive = await call('POST', `${PATH}/1/redrive`, { roles, key: randomUUID() })
      expect(redrive).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
  })

  it.each([
    ['without a key', '/1/redrive', {}, 400, 'idempotency_key_missing'],
    ['that is no number', '/x/redrive', { key: randomUUID() }, 400, 'validation_failed'],
    ['that is not there', '/999999999/redrive', { key: randomUUID() }, 404, 'not_found'],
  ])('are not sent again: one %s', async (_what, path, options, status, code) => {
    expect(await call('POST', `${PATH}${path}`, options)).toMatchObject({ status, body: { code } })
  })

  it('have cursors of their own', async () => {
    const refused = await call('GET', `${PATH}?cursor=${Buffer.from('["x"]').toString('base64url')}`)
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_cursor' } })
  })

  it('cannot be reached while the broker is away, and are there again afterwards', async () => {
    await proxy.cut()
    await vi.waitFor(
      async () =>
        expect(await call('GET', PATH)).toMatchObject({ status: 503, body: { code: 'unavailable' } }),
      40_000,
    )
    await proxy.restore()
    await vi.waitFor(async () => expect((await call('GET', PATH)).status).toBe(200), 40_000)
  })
})
