import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Client, Connection } from '@temporalio/client'
import { createLogger } from '#platform/logger.ts'
import { startService, type RunningService } from '#platform/service.ts'
import { freshDatabase } from '#tests/support/database.ts'
import { startSandboxProvider, type SandboxProvider } from '#tests/support/sandbox-provider.ts'
import { paymentsService } from './main.ts'
import type { Store } from './store.ts'
import { newOrder, openTestStore, readBooks } from './test-support/payments.ts'

let sandbox: SandboxProvider
let service: RunningService
let database: Store

beforeAll(async () => {
  const { natsUrl, nats, temporalAddress } = inject('infrastructure')
  const url = await freshDatabase('payments')
  database = openTestStore(url)
  await database.$executeRaw`
    INSERT INTO provider_webhooks (provider, event_id, raw, reference, processed_at)
    VALUES ('sandbox', 'long ago', '', 'r', now() - interval '31 days')`
  sandbox = await startSandboxProvider()
  service = await startService(
    paymentsService,
    {
      DATABASE_URL: url,
      NATS_URL: natsUrl,
      NATS_USER: nats.user,
      NATS_PASSWORD: nats.password,
      TEMPORAL_ADDRESS: temporalAddress,
      INTERNAL_ISSUERS: 'gateway=http://127.0.0.1:9/jwks.json',
      PROVIDER_URL: sandbox.url,
      PROVIDER_API_KEY: sandbox.apiKey,
      PROVIDER_WEBHOOK_SECRET: 'a secret for webhook signatures',
    },
    { logger: createLogger({ service: 'payments', level: 'silent' }) },
  )
})
afterAll(async () => {
  await service.stop()
  await sandbox.stop()
  await database.$disconnect()
})

describe('the payments service', () => {
  it('is healthy with its database, broker, Temporal and worker', async () => {
    const read = async () => (await fetch(new URL('/health', service.url))).json()
    await expect
      .poll(read, { timeout: 10_000 })
      .toMatchObject({ status: 'healthy', checks: { worker: { status: 'up' } } })
  })

  it('refuses callers without a token of the platform', async () => {
    const answer = await fetch(new URL(`/api/v1/orders/${crypto.randomUUID()}/payments`, service.url))
    expect(answer.status).toBe(401)
  })

  it('authorizes through its Temporal door and the sandbox', async () => {
    const connection = await Connection.connect({ address: inject('infrastructure').temporalAddress })
    const order = newOrder()
    const handle = await new Client({ connection }).activity.start('authorizePayment', {
      id: order.orderId,
      taskQueue: 'payments',
      args: [order],
      startToCloseTimeout: '10s',
    })
    expect(await handle.result()).toMatchObject({ outcome: 'authorized' })
    await connection.close()
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'authorized',
      authorized: 10_000,
    })
  })

  it('forgets webhooks that were worked off long ago', async () => {
    await expect.poll(() => database.providerWebhook.count()).toBe(0)
  })
})
