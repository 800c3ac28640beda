import { randomUUID } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { outgoing, subjectsOfUser, testBus } from '#tests/support/broker.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { startConsumer } from './consumer.ts'

it('a durable that has followed more is given what it follows now', async () => {
  const bus = testBus()
  await bus.ready()
  const id = randomUUID()
  const seen: string[] = []
  const follow = (subjects: string[]) =>
    startConsumer({
      bus,
      service: 'orders',
      durable: `test-${id}`,
      subjects,
      logger: silentLogger,
      handle: async ({ eventType }) => void seen.push(eventType),
    })
  const before = follow(subjectsOfUser(id))
  await bus.publish(outgoing(id, 1))
  await vi.waitFor(() => expect(seen).toEqual(['user.registered']), 40_000)
  await before.stop()
  await bus.publish(outgoing(id, 2, { eventType: 'user.changed' }))
  await bus.publish(outgoing(id, 3, { eventType: 'user.erased' }))
  const now = follow([`evt.users.user.erased.${id}`])
  await vi.waitFor(() => expect(seen).toEqual(['user.registered', 'user.erased']), 40_000)
  await now.stop()
})
