import { describe, expect, it } from 'vitest'
import { paymentsStore } from '#tests/support/payments.ts'
import { testShipping } from '#tests/support/shipping.ts'
import { purgeWebhooks } from './webhook-purge.ts'

const { database: shipping } = await testShipping()
const payments = await paymentsStore()

const daysAgo = (count: number) => new Date(Date.now() - count * 86_400_000)
const ages = [
  { name: 'long done', receivedAt: daysAgo(40), processedAt: daysAgo(31) },
  { name: 'lately done', receivedAt: daysAgo(40), processedAt: daysAgo(29) },
  { name: 'waiting', receivedAt: daysAgo(40), processedAt: null },
]

describe('purgeWebhooks', () => {
  it("forgets the carrier's thirty days after they were worked off, and not before that", async () => {
    await shipping.carrierWebhook.createMany({
      data: ages.map(({ name, ...age }) => ({ carrier: 'sandbox', id: name, body: '{}', ...age })),
    })
    expect(await purgeWebhooks(shipping, 'carrier_webhooks')).toBe(false)
    const left = await shipping.carrierWebhook.findMany({ orderBy: { id: 'asc' } })
    expect(left.map(({ id }) => id)).toEqual(['lately done', 'waiting'])
  })

  it("forgets the payment provider's after the same time, a thousand at once", async () => {
    const webhook = { provider: 'sandbox', raw: Buffer.from('{}'), reference: 'r' }
    await payments.providerWebhook.createMany({
      data: ages.map(({ name, ...age }) => ({ ...webhook, eventId: name, ...age })),
    })
    await payments.$executeRaw`
      INSERT INTO provider_webhooks (provider, event_id, raw, reference, processed_at)
      SELECT 'sandbox', at, '', 'r', now() - interval '31 days' FROM generate_series(1, 1000) AS at`
    expect(await purgeWebhooks(payments, 'provider_webhooks')).toBe(true)
    expect(await purgeWebhooks(payments, 'provider_webhooks')).toBe(false)
    const left = await payments.providerWebhook.findMany({ orderBy: { eventId: 'asc' } })
    expect(left.map(({ eventId }) => eventId)).toEqual(['lately done', 'waiting'])
  })
})
