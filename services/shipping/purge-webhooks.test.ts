import { expect, it } from 'vitest'
import { testShipping } from '#tests/support/shipping.ts'
import { purgeWebhooks } from './purge-webhooks.ts'

const { database } = await testShipping()

it('webhooks are forgotten thirty days after they were worked off, and not before that', async () => {
  const days = (count: number) => new Date(Date.now() - count * 86_400_000)
  const webhook = { carrier: 'sandbox', body: '{}' }
  await database.carrierWebhook.createMany({
    data: [
      { ...webhook, id: 'long done', receivedAt: days(40), processedAt: days(31) },
      { ...webhook, id: 'lately done', receivedAt: days(40), processedAt: days(29) },
      { ...webhook, id: 'waiting', receivedAt: days(40) },
    ],
  })
  expect(await purgeWebhooks(database)).toBe(false)
  const left = await database.carrierWebhook.findMany({ orderBy: { id: 'asc' } })
  expect(left.map(({ id }) => id)).toEqual(['lately done', 'waiting'])
})
