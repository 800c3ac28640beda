import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Bucket } from '../../buckets.ts'
import { createEndpoints, toEndpoint, type StoredEndpoint } from './endpoints.ts'

test('an endpoint that asks for what is not offered any more is read, and shown with what it gets', async () => {
  const stored: StoredEndpoint = {
    id: randomUUID(),
    url: 'https://shop.example.test/',
    events: ['order.attention_raised', 'order.created'],
    description: null,
    status: 'enabled',
    disabledReason: null,
    failingSince: null,
    createdAt: new Date(0).toISOString(),
    createdBy: randomUUID(),
  }
  const bucket: Bucket = {
    create: async () => undefined,
    read: async () => ({ value: [stored], revision: 1 }),
    replace: async () => undefined,
    remove: async () => {},
  }
  const { createdBy: _, ...shown } = stored
  expect((await createEndpoints(bucket).all()).map(toEndpoint)).toEqual([
    { ...shown, events: ['order.created'] },
  ])
})
