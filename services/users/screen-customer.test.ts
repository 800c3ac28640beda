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

const screen = (
  customerId: string,
  amount: number,
  { orderId = randomUUID(), currency = 'EUR', request = 1 } = {},
) => users.useCases.screenCustomer({ orderId, customerId, amount, currency, request })
const release = (orderId: string, request?: number) =>
  users.useCases.releaseScreening({ orderId, ...(request === undefined ? {} : { request }) })

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

describe('a later request of an order', () => {
  const limit = { outcome: 'refused', code: 'spending_limit' }
  /** An order of 4,000, which leaves 6,000. */
  async function placed() {
    const { id } = await users.person('customer')
    const orderId = randomUUID()
    await screen(id, 4_000, { orderId })
    return {
      id,
      orderId,
      again: (amount: number, request: number) => screen(id, amount, { orderId, request }),
    }
  }
  /** What the customer may still spend. */
  async function left(id: string): Promise<number> {
    for (let amount = 10_000; amount > 0; amount -= 1_000) {
      const orderId = randomUUID()
      const { outcome } = await screen(id, amount, { orderId })
      if (outcome !== 'cleared') continue
      await release(orderId)
      return amount
    }
    return 0
  }
  const ages = (orderId: string, hours: number) =>
    users.store
      .$executeRaw`UPDATE screenings SET created_at = created_at - make_interval(hours => ${hours}::int)
      WHERE order_id = ${orderId}::uuid`

  test('takes only the difference, and not one unit more than the limit', async () => {
    const { id, again } = await placed()
    await screen(id, 2_000)
    expect(await again(8_001, 2)).toEqual(limit)
    expect(await left(id)).toBe(4_000)
    expect(await again(8_000, 3)).toEqual({ outcome: 'cleared' })
    expect(await left(id)).toBe(0)
    expect([await again(8_001, 2), await again(1, 3)]).toEqual([limit, { outcome: 'cleared' }])
    expect(await left(id)).toBe(0)
  })

  test('for less gives back, also when the limit is used up or the account is closed', async () => {
    const { id, again } = await placed()
    await screen(id, 6_000)
    expect(await again(1_000, 2)).toEqual({ outcome: 'cleared' })
    expect(await left(id)).toBe(3_000)
    await createDisableUser(users)(id)
    expect(await again(500, 3)).toEqual({ outcome: 'cleared' })
    expect(await again(501, 4)).toEqual({ outcome: 'refused', code: 'account_closed' })
  })

  test('that is released leaves the order what it counted for before, since when it did', async () => {
    const { id, orderId, again } = await placed()
    await ages(orderId, 23)
    await again(9_000, 2)
    expect(await left(id)).toBe(1_000)
    await Promise.all([release(orderId, 2), release(orderId, 2)])
    expect(await left(id)).toBe(6_000)
    await ages(orderId, 1)
    expect(await left(id)).toBe(10_000)
  })

  test('for more counts from then on, one for less does not', async () => {
    const { id, orderId, again } = await placed()
    await ages(orderId, 24)
    expect(await left(id)).toBe(10_000)
    await again(3_000, 2)
    expect(await left(id)).toBe(10_000)
    await again(5_000, 3)
    expect(await left(id)).toBe(5_000)
  })

  test('that comes after a later one does nothing', async () => {
    const { id, again } = await placed()
    await again(2_000, 3)
    expect(await again(9_000, 2)).toEqual({ outcome: 'released' })
    expect(await left(id)).toBe(8_000)
  })

  test('never outlives a release of the whole order, however they meet', async () => {
    const { id } = await users.person('customer')
    const orders = Array.from({ length: 20 }, () => randomUUID())
    await Promise.all(orders.map((orderId) => screen(id, 100, { orderId })))
    await Promise.all(
      orders.flatMap((orderId) => [
        screen(id, 200, { orderId, request: 2 }),
        release(orderId).then(() => screen(id, 300, { orderId, request: 3 })),
      ]),
    )
    const standing = { orderId: { in: orders }, status: { not: 'released' } }
    expect(await users.store.screening.count({ where: standing })).toBe(0)
    expect(await left(id)).toBe(10_000)
  })

  test('of twenty orders that grow at once only as many do as the limit allows', async () => {
    const { id } = await users.person('customer')
    const orders = Array.from({ length: 20 }, () => randomUUID())
    for (const orderId of orders) await screen(id, 100, { orderId })
    const results = await Promise.all(orders.map((orderId) => screen(id, 1_100, { orderId, request: 2 })))
    expect(tally(results)).toEqual({ cleared: 8, refused: 12 })
    expect(await left(id)).toBe(0)
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
    (await users.store.screening.findFirst({ where: { orderId } }))?.status

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
