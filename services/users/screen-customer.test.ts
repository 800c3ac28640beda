import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { freshDatabase } from '#tests/support/database.ts'
import { spendingConsumer } from './consumers.ts'
import { createDisableUser } from './disable-user.ts'
import { openUsers } from './testing.ts'

let users: Awaited<ReturnType<typeof openUsers>>
beforeAll(async () => {
  users = await openUsers(await freshDatabase('users'))
})
afterAll(() => users.store.$disconnect())

const screen = (customerId: string, amount: number, { orderId = randomUUID(), currency = 'EUR' } = {}) =>
  users.useCases.screenCustomer({ orderId, customerId, amount, currency })
const release = (orderId: string) => users.useCases.releaseScreening(orderId)

const tally = (results: { outcome: string }[]) =>
  Object.fromEntries(
    Object.entries(Object.groupBy(results, ({ outcome }) => outcome)).map(([key, list]) => [
      key,
      list?.length,
    ]),
  )

describe('screenCustomer (limit 10,000)', () => {
  test('clears up to the limit and not one unit more', async () => {
    const { id } = await users.person('customer')
    expect(await screen(id, 4_000)).toEqual({ outcome: 'cleared' })
    expect(await screen(id, 6_000)).toEqual({ outcome: 'cleared' })
    expect(await screen(id, 1)).toEqual({ outcome: 'refused', code: 'spending_limit' })
    expect(await screen(id, 0)).toEqual({ outcome: 'cleared' })
  })

  test('of twenty orders of 1,000 at once exactly ten are cleared', async () => {
    const { id } = await users.person('customer')
    const results = await Promise.all(Array.from({ length: 20 }, () => screen(id, 1_000)))
    expect(tally(results)).toEqual({ cleared: 10, refused: 10 })
    const { _sum } = await users.store.screening.aggregate({
      where: { customerId: id, status: 'cleared' },
      _sum: { amount: true },
    })
    expect(_sum.amount).toBe(10_000n)
  })

  test('one order screened twenty times at once is counted once, with one answer', async () => {
    const { id } = await users.person('customer')
    const orderId = randomUUID()
    const results = await Promise.all(Array.from({ length: 20 }, () => screen(id, 6_000, { orderId })))
    expect(tally(results)).toEqual({ cleared: 20 })
    expect(await screen(id, 4_000)).toEqual({ outcome: 'cleared' })
  })

  test('a refusal stays a refusal when it is asked again, also after other orders were released', async () => {
    const { id } = await users.person('customer')
    const [cleared, refused] = [randomUUID(), randomUUID()]
    await screen(id, 10_000, { orderId: cleared })
    expect(await screen(id, 1, { orderId: refused })).toEqual({ outcome: 'refused', code: 'spending_limit' })
    await release(cleared)
    expect(await screen(id, 1, { orderId: refused })).toEqual({ outcome: 'refused', code: 'spending_limit' })
    expect(await screen(id, 1)).toEqual({ outcome: 'cleared' })
  })

  test('each currency counts by itself, and only the last 24 hours', async () => {
    const { id } = await users.person('customer')
    const orderId = randomUUID()
    await screen(id, 10_000, { orderId })
    expect(await screen(id, 10_000, { currency: 'USD' })).toEqual({ outcome: 'cleared' })
    expect(await screen(id, 1)).toMatchObject({ outcome: 'refused' })
    await users.store.$executeRaw`
      UPDATE screenings SET created_at = created_at - interval '24 hours' WHERE order_id = ${orderId}::uuid`
    expect(await screen(id, 10_000)).toEqual({ outcome: 'cleared' })
  })

  test('an account may have a limit of its own', async () => {
    const { id } = await users.person('customer')
    await users.store.user.update({ where: { id }, data: { spendingLimit: 20_000n } })
    expect(await screen(id, 20_000)).toEqual({ outcome: 'cleared' })
    await users.store.user.update({ where: { id }, data: { spendingLimit: 0n } })
    expect(await screen(id, 1)).toMatchObject({ outcome: 'refused' })
  })

  test('disabled, erased and unknown accounts are closed', async () => {
    const [disabled, erased] = [await users.person('customer'), await users.person('customer')]
    await createDisableUser(users)(disabled.id)
    await users.useCases.eraseUser(erased.id)
    for (const id of [disabled.id, erased.id, randomUUID()]) {
      expect(await screen(id, 1)).toEqual({ outcome: 'refused', code: 'account_closed' })
    }
  })
})

describe('releaseScreening', () => {
  test('gives the amount back, repeats change nothing, and the order stays released', async () => {
    const { id } = await users.person('customer')
    const orderId = randomUUID()
    await screen(id, 10_000, { orderId })
    await Promise.all(Array.from({ length: 5 }, () => release(orderId)))
    expect(await screen(id, 10_000, { orderId })).toEqual({ outcome: 'released' })
    expect(await screen(id, 10_000)).toEqual({ outcome: 'cleared' })
  })

  test('before the screening it leaves a tombstone', async () => {
    const { id } = await users.person('customer')
    const orderId = randomUUID()
    await release(orderId)
    expect(await screen(id, 1, { orderId })).toEqual({ outcome: 'released' })
    expect(await screen(id, 10_000)).toEqual({ outcome: 'cleared' })
  })

  test('however it meets a screening, nothing is counted in the end', async () => {
    const { id } = await users.person('customer')
    const orders = Array.from({ length: 20 }, () => randomUUID())
    const results = await Promise.all(
      orders.flatMap((orderId) => [
        screen(id, 500, { orderId }),
        release(orderId).then(() => ({ outcome: 'done' })),
      ]),
    )
    expect(tally(results)['refused']).toBeUndefined()
    expect(
      await users.store.screening.count({ where: { orderId: { in: orders }, status: 'released' } }),
    ).toBe(20)
    expect(await screen(id, 10_000)).toEqual({ outcome: 'cleared' })
  })
})

describe('users-spending', () => {
  type Ending = 'order.rejected' | 'order.cancelled' | 'order.completed' | 'order.confirmed'
  const event = (eventType: Ending, orderId: string, eventId = randomUUID()): AnyDomainEvent => ({
    eventId,
    eventType,
    aggregateId: orderId,
    timestamp: new Date().toISOString(),
    version: 5,
    payload: {
      orderId,
      customerId: randomUUID(),
      number: '1',
      status: 'placed',
      reason: null,
      currency: 'EUR',
      total: 1,
    },
  })
  const statusOf = async (orderId: string) =>
    (await users.store.screening.findUnique({ where: { orderId } }))?.status

  test.each([
    ['order.rejected', 'released'],
    ['order.cancelled', 'released'],
    ['order.completed', 'spent'],
    ['order.confirmed', 'cleared'],
  ] as const)('%s leaves the screening %s, also when it comes again', async (type, status) => {
    const { id } = await users.person('customer')
    const orderId = randomUUID()
    await screen(id, 10_000, { orderId })
    const { handle } = spendingConsumer(users.transact)
    const message = event(type, orderId)
    await Promise.all([handle(message), handle(message), handle(message)])
    expect(await statusOf(orderId)).toBe(status)
    expect(await screen(id, 1)).toMatchObject({ outcome: status === 'released' ? 'cleared' : 'refused' })
    expect(await users.store.inbox.count({ where: { eventId: message.eventId } })).toBe(
      status === 'cleared' ? 0 : 1,
    )
  })

  test('a release after completion does not unspend', async () => {
    const { id } = await users.person('customer')
    const orderId = randomUUID()
    await screen(id, 10_000, { orderId })
    await spendingConsumer(users.transact).handle(event('order.completed', orderId))
    await release(orderId)
    expect(await statusOf(orderId)).toBe('spent')
    expect(await screen(id, 10_000, { orderId })).toEqual({ outcome: 'cleared' })
  })
})
