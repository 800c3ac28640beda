import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { EVENT_STREAM } from '#contracts/events.ts'
import { createEventBus } from '#platform/events/event-bus.ts'
import { outgoing, testBus } from '#tests/support/broker.ts'
import { testGateway, UNLIMITED } from '#tests/support/gateway.ts'
import { natsServer } from '#tests/support/nats-server.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { natsOf, startTestGateway } from './testing/harness.ts'
import { followRevocations } from './revocation-feed.ts'
import { createRevocations } from './revocations.ts'

const nats = natsOf(inject('infrastructure'))
const gateway = await testGateway(UNLIMITED)
const bus = testBus()
const ownNats = natsServer()

const publish = (eventType: string, userId: string, payload: object, timestamp = new Date().toISOString()) =>
  bus.publish(outgoing(userId, 1, { eventType, payload: { userId, ...payload }, timestamp }))

/** A revocation is to be known within so many milliseconds. */
const PROMPT_MS = 5_000
const PATIENCE_MS = 40_000

/** The best of three users: that of one may meet a pause of the machine. */
async function quickest(revoke: () => Promise<number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let user = 0; user < 3 && best >= PROMPT_MS; user += 1) best = Math.min(best, await revoke())
  return best
}

describe('revocation', () => {
  /** Asks until the answer is as expected; gives the milliseconds that took. */
  async function until(status: number, authorization: string): Promise<number> {
    const started = performance.now()
    while ((await gateway.call('/api/v1/users/me', authorization)).status !== status) {
      if (performance.now() - started > PATIENCE_MS) throw new Error(`no ${status}`)
      await sleep(20)
    }
    return performance.now() - started
  }

  test('sessions that are revoked end within 5 s; one that begins right after works, as do those of others', async () => {
    const took = await quickest(async () => {
      const userId = randomUUID()
      const old = await gateway.bearer(['customer'], userId)
      const other = await gateway.bearer(['customer'])
      expect((await gateway.call('/api/v1/users/me', old)).status).toBe(200)
      await sleep(2)
      await publish('user.sessions_revoked', userId, {
        before: new Date().toISOString(),
        reason: 'password_changed',
      })
      const fresh = await gateway.bearer(['customer'], userId)
      const known = await until(401, old)
      expect((await gateway.call('/api/v1/users/me', fresh)).status).toBe(200)
      expect((await gateway.call('/api/v1/users/me', other)).status).toBe(200)
      return known
    })
    expect(took).toBeLessThan(PROMPT_MS)
  })

  test('one session that ends leaves the others of its user and their rights', async () => {
    const userId = randomUUID()
    const sign = async (sid: string) =>
      `Bearer ${await gateway.issuer.sign(userId, ['customer'], { claims: { sid } })}`
    const sessionId = randomUUID()
    const [ended, other] = [await sign(sessionId), await sign(randomUUID())]
    await sleep(2)
    const before = new Date().toISOString()
    await publish('user.sessions_revoked', userId, { sessionId, before, reason: 'logout' })
    await until(401, ended)
    expect((await gateway.call('/api/v1/users/me', other)).status).toBe(200)
  })

  test.each([
    ['user.roles_changed', { roles: ['customer'] }],
    ['user.disabled', {}],
    ['user.erased', {}],
  ])('%s ends the sessions too', async (eventType, payload) => {
    const took = await quickest(async () => {
      const userId = randomUUID()
      const old = await gateway.bearer(['operator'], userId)
      await sleep(2)
      await publish(eventType, userId, payload)
      return until(401, old)
    })
    expect(took).toBeLessThan(PROMPT_MS)
  })

  test('a gateway that starts knows what was revoked before', async () => {
    const userId = randomUUID()
    const issuedAt = Math.floor(Date.now() / 1_000) - 60
    await publish('user.disabled', userId, {}, new Date(Date.now() - 30_000).toISOString())
    // it does not wait for that longer than two seconds, which a pause of the machine may take up: three gateways start
    const started: number[] = []
    for (let count = 0; count < 3 && !started.includes(401); count += 1) {
      const second = await startTestGateway({ nats, environment: UNLIMITED })
      try {
        const token = await second.issuer.sign(userId, ['customer'], {
          issuedAt,
          claims: { iat_ms: undefined },
        })
        const headers = { authorization: `Bearer ${token}` }
        started.push((await fetch(`${second.url}/api/v1/users/me`, { headers })).status)
      } finally {
        await second.stop()
      }
    }
    expect(started).toContain(401)
  })

  test('without a broker the gateway serves and says so', async () => {
    const alone = await startTestGateway({
      nats: { ...nats, url: 'nats://127.0.0.1:1' },
      environment: UNLIMITED,
    })
    try {
      const headers = { authorization: await alone.bearer(['customer']) }
      expect((await fetch(`${alone.url}/api/v1/users/me`, { headers })).status).toBe(200)
      // a service that does not answer in time is down too
      await vi.waitFor(async () => {
        const health = await fetch(`${alone.url}/health`)
        expect(health.status).toBe(503)
        expect(await health.json()).toMatchObject({
          status: 'degraded',
          checks: { broker: { status: 'down' }, orders: { status: 'up' } },
        })
      }, PATIENCE_MS)
    } finally {
      await alone.stop()
    }
  })
})

test('a stream that is made anew is read from its start, also when it has grown beyond the old one', async () => {
  const { address, credentials } = ownNats()
  const { user, password } = credentials.operator!
  const own = createEventBus({ url: address, user, password, name: 'test', logger: silentLogger })
  onTestFinished(() => own.close())
  const manager = await jetstreamManager((await own.ready()).connection)
  const { config } = await manager.streams.info(EVENT_STREAM)
  const revoke = (userId: string) =>
    own.publish(outgoing(userId, 1, { eventType: 'user.disabled', payload: { userId } }))
  const [before, first, last] = [randomUUID(), randomUUID(), randomUUID()]
  await revoke(before)
  const revocations = createRevocations(() => {})
  const isRevoked = (sub: string) => revocations.isRevoked({ sub, sid: '', iat: 0, iat_ms: 0 })
  let probe = () => own.probe()
  const feedBus = { ...own, probe: () => probe() }
  const feed = followRevocations({ bus: feedBus, revocations, logger: silentLogger })
  onTestFinished(() => feed.stop())
  await feed.caughtUp
  expect(isRevoked(before)).toBe(true)

  // its looks are held up while the stream is made anew: it never sees a shorter one
  const [heldUp, anew] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  probe = () => {
    heldUp.resolve()
    return anew.promise.then(() => own.probe())
  }
  await heldUp.promise
  await manager.streams.delete(EVENT_STREAM)
  await manager.streams.add({ name: EVENT_STREAM, subjects: config.subjects })
  await revoke(first)
  await revoke(last)
  anew.resolve()
  await vi.waitFor(() => expect([isRevoked(last), isRevoked(first)]).toEqual([true, true]), PATIENCE_MS)
})
