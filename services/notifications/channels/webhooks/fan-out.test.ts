import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { testContext } from '#tests/support/notifications.ts'
import { eventOf, orderEvent } from '../../test-support/events.ts'
import type { StoredEndpoint } from './endpoints.ts'
import { createFanOut } from './fan-out.ts'

const endpointOf = (changes: Partial<StoredEndpoint> = {}): StoredEndpoint => ({
  id: randomUUID(),
  url: 'https://shop.example.test/',
  events: ['order.*'],
  description: null,
  status: 'enabled',
  disabledReason: null,
  failingSince: null,
  createdAt: new Date(0).toISOString(),
  createdBy: randomUUID(),
  ...changes,
})

test('an event is queued once for each endpoint that is enabled, also when the queue fails in between', async () => {
  const { context, close } = testContext({})
  const event = orderEvent('order.created', randomUUID(), randomUUID())
  const [first, second] = [endpointOf(), endpointOf({ events: ['order.created'] })]
  const known = [
    first,
    endpointOf({ status: 'disabled' }),
    endpointOf({ events: ['order.confirmed', 'payment.*'] }),
    endpointOf({ createdAt: new Date(Date.parse(event.timestamp) + 1).toISOString() }),
    second,
  ]
  const queued: string[] = []
  let failures = 1
  const fanOut = createFanOut({
    endpoints: { recent: async () => known },
    queue: {
      async add(endpointId) {
        if (endpointId === second.id && failures-- > 0) throw new Error('no broker')
        queued.push(endpointId)
      },
    },
    sendOnce: context.sendOnce,
  })
  await expect(fanOut(event)).rejects.toThrow('no broker')
  await fanOut(event)
  await fanOut(event)
  expect(queued).toEqual([first.id, second.id])
  await close()
})

test.each(['order.attention_raised', 'order.attention_cleared'] as const)(
  '%s stays inside, whatever an endpoint asks for or has asked for once',
  async (eventType) => {
    const { context, close } = testContext({})
    const orderId = randomUUID()
    const trouble = { orderId, step: 'reserving', operation: 'holdStock', error: 'connect 10.0.0.7:4005' }
    const known = [endpointOf(), endpointOf({ events: [eventType] })]
    const queued: string[] = []
    const fanOut = createFanOut({
      endpoints: { recent: async () => known },
      queue: { add: async (endpointId) => void queued.push(endpointId) },
      sendOnce: context.sendOnce,
    })
    await fanOut(eventOf(eventType, orderId, trouble))
    expect(queued).toEqual([])
    await fanOut(orderEvent('order.created', orderId, randomUUID()))
    expect(queued).toEqual([known[0]?.id])
    await close()
  },
)
