import { randomUUID } from 'node:crypto'
import { Client } from '@temporalio/client'
import Type from 'typebox'
import { beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { channelConsumer } from '#contracts/consumers.ts'
import { outgoing, subjectsOfUser, testBus } from '#tests/support/broker.ts'
import { openOrders, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { databaseConfig, type Environment } from './config.ts'
import { probeDatabase } from './database.ts'
import { appendEvent, type UnitOfWork } from './events/outbox.ts'
import type { RepublishEvents } from './events/republish.ts'
import { createLogger } from './logger.ts'
import { defineService, serviceConfig, startService, type ServiceParts } from './service.ts'
import type { Sql } from './database.ts'
import type { TemporalLink } from './temporal/link.ts'

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders()
})

const environment = (changes: Environment = {}): Environment => {
  const { natsUrl, nats, temporalAddress } = inject('infrastructure')
  return {
    PORT: '0',
    LOG_LEVEL: 'silent',
    INTERNAL_ISSUERS: 'gateway=http://127.0.0.1:9/keys',
    DATABASE_URL: orders.url,
    NATS_URL: natsUrl,
    NATS_USER: nats.user,
    NATS_PASSWORD: nats.password,
    TEMPORAL_ADDRESS: temporalAddress,
    ...changes,
  }
}
const config = Type.Object({ ...serviceConfig, ...databaseConfig })
const logger = createLogger({ service: 'test', level: 'silent' })

/** A small service on the real servers, and what it lets tests see. */
function smallService(parts: Partial<ServiceParts> = {}) {
  const log: string[] = []
  const seen: { transact?: UnitOfWork<Sql> } = {}
  const service = defineService({
    name: 'notifications', // the one without a task queue
    config,
    async build({ config: settings, outbox }) {
      const database = openOrders(settings.DATABASE_URL, 3)
      seen.transact = outbox(database, settings)
      return {
        routes: (app) => void app.get('/hello', async () => 'hello'),
        consumers: [],
        background: () => [{ stop: async () => void log.push('background') }],
        probes: { database: probeDatabase(database) },
        async close() {
          log.push('database')
          await database.$disconnect()
        },
        ...parts,
      }
    },
  })
  return { service, log, seen }
}

describe('startService', () => {
  it('is named once in each of its lines in a log that services share', async () => {
    const lines: string[] = []
    const shared = createLogger({ destination: { write: (line) => void lines.push(line) } })
    const running = await startService(smallService().service, environment(), { logger: shared })
    await running.stop()
    expect(lines).not.toEqual([])
    for (const line of lines) expect(line.match(/"service":"\w+"/g)).toEqual(['"service":"notifications"'])
  })

  it('opens its doors, publishes what is committed at once, and stops in order', async () => {
    const { service, log, seen } = smallService()
    // polled once in ten minutes: only the nudge after the commit publishes this soon
    const running = await startService(service, environment({ OUTBOX_POLL_MS: '600000' }), { logger })
    expect(await (await fetch(`${running.url}/hello`)).text()).toBe('hello')
    await vi.waitFor(async () => {
      const health = JSON.parse(await (await fetch(`${running.url}/health`)).text())
      expect(health).toMatchObject({
        status: 'healthy',
        checks: { database: { status: 'up' }, broker: { status: 'up' }, outbox: { detail: '0 waiting' } },
      })
    }, 40_000)
    const id = randomUUID()
    await seen.transact!((tx) =>
      appendEvent(tx, { type: 'user.registered', aggregateId: id, version: 1, payload: { userId: id } }),
    )
    await vi.waitFor(async () => {
      const row = await orders.database.outbox.findFirstOrThrow({ where: { aggregateId: id } })
      expect(row.publishedAt).not.toBeNull()
    }, 40_000)
    await running.stop()
    expect(log).toEqual(['background', 'database'])
    await expect(fetch(`${running.url}/hello`)).rejects.toThrow('fetch failed')
  })

  it('opens only the doors of its roles; health is answered in any case', async () => {
    const handle = vi.fn<() => Promise<void>>().mockResolvedValue()
    const id = randomUUID()
    const consumers = [{ durable: channelConsumer(`roles-${id}`), subjects: subjectsOfUser(id), handle }]
    const http = smallService({ consumers })
    const web = await startService(http.service, environment({ ROLES: 'http' }), { logger })
    const bus = testBus()
    await bus.ready()
    await bus.publish(outgoing(id, 1))
    const work = smallService({ consumers })
    expect(handle).not.toHaveBeenCalled()
    const worker = await startService(work.service, environment({ ROLES: 'worker' }), { logger })
    await vi.waitFor(() => expect(handle).toHaveBeenCalledOnce(), 40_000)
    const status = async (url: string) => (await fetch(url)).status
    expect(await status(`${web.url}/hello`)).toBe(200)
    expect([await status(`${worker.url}/hello`), await status(`${worker.url}/readyz`)]).toEqual([404, 200])
    await Promise.all([web.stop(), worker.stop()])
    expect([http.log, work.log]).toEqual([['database'], ['background', 'database']])
  })

  it('starts and stops while NATS and Temporal are away', async () => {
    const { service, log } = smallService()
    const away = environment({ NATS_URL: 'nats://127.0.0.1:1', TEMPORAL_ADDRESS: '127.0.0.1:1' })
    const running = await startService(service, away, { logger })
    // a database that does not answer in time is down too
    await vi.waitFor(async () => {
      const health = await fetch(`${running.url}/health`)
      expect(health.status).toBe(503)
      expect(JSON.parse(await health.text()).checks).toMatchObject({
        database: { status: 'up' },
        broker: { status: 'down', detail: 'not connected to NATS' },
      })
    }, 40_000)
    const started = performance.now()
    await running.stop()
    expect(performance.now() - started).toBeLessThan(4_900)
    expect(log).toEqual(['background', 'database'])
  })

  it('offers workflows, beside its own activities, the reconciliation of its events', async () => {
    const { service } = smallService({ worker: { activities: { own: 'activity' }, workflows: false } })
    const startWorker = vi.fn<TemporalLink['startWorker']>(() => ({
      stop: async () => {},
      probe: async () => {},
    }))
    const temporal: TemporalLink = {
      client: new Client(),
      startWorker,
      probe: async () => {},
      close: async () => {},
    }
    const running = await startService({ ...service, name: 'users' }, environment(), { logger, temporal })
    const aggregateId = randomUUID()
    const event = { aggregateId, version: 1, shard: 0, type: 'user.registered', payload: {} }
    await orders.database.outbox.create({ data: { ...event, eventId: randomUUID(), parkedAt: new Date() } })
    const [worker] = startWorker.mock.calls[0] ?? []
    expect(worker).toMatchObject({ taskQueue: 'users', workflows: false, activities: { own: 'activity' } })
    const activities = worker?.activities as unknown as { republishEvents: RepublishEvents }
    await vi.waitFor(
      async () =>
        expect(await activities.republishEvents()).toMatchObject([
          { kind: 'event_missing', subjectId: aggregateId, repaired: false },
        ]),
      40_000,
    )
    await running.stop()
  })

  it('stops what it had started when its build fails', async () => {
    let query = 0
    const counting: Sql = {
      $executeRaw: () => Promise.resolve(0),
      $queryRaw: () => {
        query += 1
        return Promise.resolve([] as never)
      },
    }
    const broken = defineService({
      name: 'notifications',
      config,
      build({ outbox }) {
        const counted = Object.assign(counting, {
          $transaction: () => Promise.reject(new Error('unused')),
          $disconnect: async () => {},
        })
        outbox(counted, { OUTBOX_POLL_MS: 5 })
        return Promise.reject(new Error('no such provider'))
      },
    })
    await expect(startService(broken, environment(), { logger })).rejects.toThrow('no such provider')
    const asked = query
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(query).toBe(asked)
  })

  it('stops what it had started when its port is taken, and names the port', async () => {
    const first = smallService()
    const running = await startService(first.service, environment(), { logger })
    const { port } = new URL(running.url)
    const second = smallService()
    await expect(startService(second.service, environment({ PORT: port }), { logger })).rejects.toThrow(
      `Port ${port} (notifications) is in use by another process.`,
    )
    expect(second.log).toEqual(['background', 'database'])
    await running.stop()
  })

  it('names what is wrong with its configuration', async () => {
    const { service } = smallService()
    await expect(startService(service, environment({ DATABASE_URL: undefined }))).rejects.toThrow(
      "DATABASE_URL is required (this service's own PostgreSQL database)",
    )
  })
})
