import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { createExpireReservation, createFindExpiredHolds } from './expire-reservation.ts'
import { createExtendReservation } from './extend-reservation.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'
import { createServeBackorders } from './serve-backorders.ts'

const { database, transact, granting, stock, levels, events, payloads, wrongStock } = await testInventory()
const reserveStock = createReserveStock(granting)
const commitReservation = createCommitReservation({ transact })
const releaseReservation = createReleaseReservation({ transact })
const extendReservation = createExtendReservation({ transact })
const expireReservation = createExpireReservation({ transact })
const findExpiredHolds = createFindExpiredHolds(database)

const MINUTE = 60_000
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE)

async function reserve(sku: string, quantity = 1): Promise<string> {
  const orderId = randomUUID()
  await reserveStock({ orderId, lines: [{ sku, quantity }] })
  return orderId
}

const endHold = (orderId: string, minutesAgo: number) =>
  database.reservation.update({ where: { id: orderId }, data: { expiresAt: inMinutes(-minutesAgo) } })

const holdOf = async (orderId: string) => {
  const { status, expiresAt } = await database.reservation.findUniqueOrThrow({ where: { id: orderId } })
  return { status, expiresAt }
}

const shows = async (orderId: string) => (await events(orderId)).map(([, type]) => type)

describe('extendReservation', () => {
  it('moves the end of a hold, never back, and tells nobody', async () => {
    await stock('H-1', { AMS: 5 })
    const orderId = await reserve('H-1')
    const later = inMinutes(300)
    const extend = (until: Date) => extendReservation({ orderId, until: until.toISOString() })
    expect([await extend(later), await extend(later), await extend(inMinutes(100))]).toEqual([
      'extended',
      'extended',
      'extended',
    ])
    expect(await holdOf(orderId)).toEqual({ status: 'held', expiresAt: later })
    expect(await shows(orderId)).toEqual(['reservation.held'])
    const repeat = await reserveStock({ orderId, lines: [] })
    expect(repeat).toMatchObject({ outcome: 'held', expiresAt: later.toISOString() })
  })

  it('has nothing to do for what is committed or waits, and nothing to extend where the hold is gone', async () => {
    await stock('H-2', { AMS: 3 })
    const [committed, released, expired] = [await reserve('H-2'), await reserve('H-2'), await reserve('H-2')]
    await commitReservation({ orderId: committed })
    await releaseReservation({ orderId: released })
    await endHold(expired, 5)
    await expireReservation(expired)
    const waiting = randomUUID()
    await reserveStock({ orderId: waiting, lines: [{ sku: 'H-2', quantity: 9 }], onShortage: 'backorder' })
    const refused = await reserve('H-2', 9)
    const until = inMinutes(300).toISOString()
    const extend = (orderId: string) => extendReservation({ orderId, until })
    expect(await Promise.all([committed, waiting].map(extend))).toEqual(['extended', 'extended'])
    expect(await Promise.all([released, expired, refused, randomUUID()].map(extend))).toEqual(
      Array(4).fill('gone'),
    )
  })
})

describe('findExpiredHolds', () => {
  it('finds orders whose hold ended more than a minute ago, the oldest first', async () => {
    await stock('H-3', { AMS: 50 })
    const [old, older, young, alive, committed, released] = await Promise.all(
      Array.from({ length: 6 }, () => reserve('H-3')),
    )
    await endHold(old!, 2)
    await endHold(older!, 20)
    await endHold(young!, 0.5)
    for (const orderId of [committed!, released!]) await endHold(orderId, 30)
    await commitReservation({ orderId: committed! })
    await releaseReservation({ orderId: released! })
    const replacement = randomUUID()
    await reserveStock({
      orderId: alive!,
      reservationId: replacement,
      lines: [{ sku: 'H-3', quantity: 1 }],
    })
    await endHold(replacement, 30)
    expect(await findExpiredHolds()).toEqual([older, old])
    for (const orderId of [old!, older!]) await releaseReservation({ orderId })
  })
})

describe('expireReservation', () => {
  it('gives the units back once, for those who wait for them', async () => {
    await stock('H-4', { AMS: 3, LJU: 1 })
    const orderId = await reserve('H-4', 4)
    const waiting = randomUUID()
    await reserveStock({ orderId: waiting, lines: [{ sku: 'H-4', quantity: 4 }], onShortage: 'backorder' })
    await endHold(orderId, 5)
    await Promise.all([1, 2, 3].map(() => expireReservation(orderId)))
    expect(await levels('H-4')).toEqual({ AMS: [3, 0, 0], LJU: [1, 0, 0] })
    expect(await shows(orderId)).toEqual(['reservation.held', 'reservation.expired'])
    expect((await payloads(orderId))[1]).toEqual({
      orderId,
      lines: [
        { warehouse: 'AMS', sku: 'H-4', quantity: 3 },
        { warehouse: 'LJU', sku: 'H-4', quantity: 1 },
      ],
    })
    expect(await createServeBackorders({ database, ...granting })()).toBe(1)
    expect((await holdOf(waiting)).status).toBe('held')
    // what has expired does not come to life again
    expect(await reserveStock({ orderId, lines: [{ sku: 'H-4', quantity: 1 }] })).toEqual({
      outcome: 'released',
    })
    await releaseReservation({ orderId })
    expect((await holdOf(orderId)).status).toBe('expired')
  })

  it('takes out of the queue who waits for nobody any more, and lets the next one go', async () => {
    await stock('H-9', { AMS: 1 })
    const [forgotten, next] = [randomUUID(), randomUUID()]
    const lines = (quantity: number) => [{ sku: 'H-9', quantity }]
    await reserveStock({ orderId: forgotten, lines: lines(5), onShortage: 'backorder' })
    await reserveStock({ orderId: next, lines: lines(1), onShortage: 'backorder' })
    await expireReservation(forgotten)
    expect((await holdOf(forgotten)).status).toBe('backordered')

    const yesterday = { updatedAt: inMinutes(-1_440) }
    await database.reservation.updateMany({ where: { id: { in: [forgotten, next] } }, data: yesterday })
    expect(new Set(await findExpiredHolds())).toEqual(new Set([forgotten, next]))
    // the reconciliation has found out that one of them still runs
    expect(await extendReservation({ orderId: next, until: inMinutes(60).toISOString() })).toBe('extended')
    expect(await findExpiredHolds()).toEqual([forgotten])
    await Promise.all([forgotten, next].map(expireReservation))
    expect(await shows(forgotten)).toEqual(['reservation.backordered', 'reservation.expired'])
    expect((await holdOf(next)).status).toBe('backordered')
    expect(await createServeBackorders({ database, ...granting })()).toBe(1)
    expect((await holdOf(next)).status).toBe('held')
  })

  it('leaves alone what was extended, committed, or never was', async () => {
    await stock('H-5', { AMS: 5 })
    const [extended, committed] = [await reserve('H-5'), await reserve('H-5')]
    await endHold(extended, 5)
    await extendReservation({ orderId: extended, until: inMinutes(5).toISOString() })
    await commitReservation({ orderId: committed })
    await endHold(committed, 5)
    await Promise.all([extended, committed, randomUUID()].map(expireReservation))
    expect([(await holdOf(extended)).status, (await holdOf(committed)).status]).toEqual(['held', 'committed'])
    expect(await levels('H-5')).toEqual({ AMS: [5, 1, 1] })
  })
})

/** Two commands on one reservation: the first is held before its commit until the second waits for its lock. */
async function interleave<A, B>(
  first: (transact: UnitOfWork<Sql>) => Promise<A>,
  second: () => Promise<B>,
): Promise<[A, B]> {
  const reached = Promise.withResolvers<void>()
  const proceed = Promise.withResolvers<void>()
  const running = first((work) =>
    transact(async (tx) => {
      const done = await work(tx)
      reached.resolve()
      await proceed.promise
      return done
    }),
  )
  await reached.promise
  const waiting = second()
  for (;;) {
    const [blocked] = await database.$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS count FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`
    if (blocked!.count > 0) break
  }
  proceed.resolve()
  return Promise.all([running, waiting])
}

describe('a commit and the expiry of the same hold', () => {
  it('keeps the stock for the order when the commit is first', async () => {
    await stock('H-6', { AMS: 2 })
    const orderId = await reserve('H-6')
    await endHold(orderId, 5)
    const [committed] = await interleave(
      (held) => createCommitReservation({ transact: held })({ orderId }),
      () => expireReservation(orderId),
    )
    expect(committed).toBe('committed')
    expect(await shows(orderId)).toEqual(['reservation.held', 'reservation.committed'])
    expect(await levels('H-6')).toEqual({ AMS: [2, 0, 1] })
    expect(await wrongStock()).toEqual([])
  })

  it('tells the commit that the hold is gone when the expiry is first', async () => {
    await stock('H-7', { AMS: 2 })
    const orderId = await reserve('H-7')
    await endHold(orderId, 5)
    const [, committed] = await interleave(
      (held) => createExpireReservation({ transact: held })(orderId),
      () => commitReservation({ orderId }),
    )
    expect(committed).toBe('gone')
    expect(await shows(orderId)).toEqual(['reservation.held', 'reservation.expired'])
    expect(await levels('H-7')).toEqual({ AMS: [2, 0, 0] })
    expect(await wrongStock()).toEqual([])
  })

  it('spares a hold that is extended first', async () => {
    await stock('H-8', { AMS: 2 })
    const orderId = await reserve('H-8')
    await endHold(orderId, 5)
    const until = inMinutes(10).toISOString()
    await interleave(
      (held) => createExtendReservation({ transact: held })({ orderId, until }),
      () => expireReservation(orderId),
    )
    expect((await holdOf(orderId)).status).toBe('held')
    expect(await levels('H-8')).toEqual({ AMS: [2, 1, 0] })
  })
})
