import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { allocationsOf, need, requestsTo, testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createShipReservation } from './ship-reservation.ts'

const { database, transact, granting, stock, levels, events, typesOf, payloads, wrongStock } =
  await testInventory(20)
const ask = requestsTo(granting)
const commitReservation = createCommitReservation({ transact })
const releaseReservation = createReleaseReservation({ transact })

describe('a later request', () => {
  it('replaces what is held, its own units counting as available', async () => {
    await stock('Q-1', { AMS: 5, LJU: 5 })
    await stock('Q-2', { LJU: 2 })
    const orderId = randomUUID()
    const first = await ask(orderId, 1, { 'Q-1': 8 })
    const second = await ask(orderId, 2, { 'Q-1': 10, 'Q-2': 2 })
    expect(allocationsOf(second)).toEqual([
      { warehouse: 'AMS', lines: need({ 'Q-1': 5 }) },
      { warehouse: 'LJU', lines: need({ 'Q-1': 5, 'Q-2': 2 }) },
    ])
    expect(await levels('Q-1')).toEqual({ AMS: [5, 5, 0], LJU: [5, 5, 0] })
    expect(await levels('Q-2')).toEqual({ LJU: [2, 2, 0] })
    expect(await events(orderId)).toEqual([
      [1, 'reservation.held'],
      [2, 'reservation.changed'],
    ])
    expect((await payloads(orderId))[1]).toEqual({
      orderId,
      lines: expect.arrayContaining([
        { warehouse: 'AMS', sku: 'Q-1', quantity: 5 },
        { warehouse: 'LJU', sku: 'Q-1', quantity: 5 },
        { warehouse: 'LJU', sku: 'Q-2', quantity: 2 },
      ]),
    })
    // a repeat of either gives its answer again, and changes nothing
    expect(allocationsOf(await ask(orderId, 1, { 'Q-1': 8 }))).toEqual(allocationsOf(first))
    expect(await ask(orderId, 2, { 'Q-1': 1 })).toEqual(second)
    expect(await levels('Q-1')).toEqual({ AMS: [5, 5, 0], LJU: [5, 5, 0] })
    expect(await wrongStock()).toEqual([])
  })

  it('leaves everything as it was when it is refused, and remembers that', async () => {
    await stock('Q-3', { AMS: 5 })
    const orderId = randomUUID()
    const first = await ask(orderId, 1, { 'Q-3': 3 })
    const refusal = { outcome: 'out_of_stock', shortages: [{ sku: 'Q-3', requested: 6, available: 5 }] }
    expect(await ask(orderId, 2, { 'Q-3': 6 })).toEqual(refusal)
    await stock('Q-3', { AMS: 5 })
    expect(await ask(orderId, 2, { 'Q-3': 6 })).toEqual(refusal)
    expect(await ask(orderId, 1, { 'Q-3': 3 })).toEqual(first)
    expect(await levels('Q-3')).toEqual({ AMS: [10, 3, 0] })
    expect(await typesOf(orderId)).toEqual(['reservation.held'])
    expect(await commitReservation({ orderId })).toBe('committed')
  })

  it('changes what is committed, which stays committed', async () => {
    await stock('Q-4', { AMS: 4, LJU: 4 })
    const orderId = randomUUID()
    await ask(orderId, 1, { 'Q-4': 6 })
    await commitReservation({ orderId })
    await ask(orderId, 2, { 'Q-4': 3 })
    expect(await levels('Q-4')).toEqual({ AMS: [4, 0, 3], LJU: [4, 0, 0] })
    await ask(orderId, 3, { 'Q-4': 8 })
    expect(await levels('Q-4')).toEqual({ AMS: [4, 0, 4], LJU: [4, 0, 4] })
    expect(await ask(orderId, 4, { 'Q-4': 9 })).toMatchObject({ outcome: 'out_of_stock' })
    expect(await levels('Q-4')).toEqual({ AMS: [4, 0, 4], LJU: [4, 0, 4] })
    expect(await events(orderId)).toEqual([
      [1, 'reservation.held'],
      [2, 'reservation.committed'],
      [3, 'reservation.changed'],
      [4, 'reservation.changed'],
    ])
    expect(await wrongStock()).toEqual([])
  })

  it('may be answered otherwise than the first was', async () => {
    await stock('Q-5', { AMS: 1 })
    const orderId = randomUUID()
    expect((await ask(orderId, 1, { 'Q-5': 2 })).outcome).toBe('out_of_stock')
    expect((await ask(orderId, 2, { 'Q-5': 1 })).outcome).toBe('held')
    expect(await events(orderId)).toEqual([
      [1, 'reservation.refused'],
      [2, 'reservation.held'],
    ])
  })

  it('makes an earlier one that comes late senseless', async () => {
    await stock('Q-6', { AMS: 9 })
    const orderId = randomUUID()
    await ask(orderId, 2, { 'Q-6': 2 })
    expect(await ask(orderId, 1, { 'Q-6': 5 })).toMatchObject({ outcome: 'refused' })
    expect(await levels('Q-6')).toEqual({ AMS: [9, 2, 0] })
  })

  it('comes too late for the released and for parcels that have left', async () => {
    await stock('Q-7', { AMS: 9 })
    const [released, shipped] = [randomUUID(), randomUUID()]
    await ask(released, 1, { 'Q-7': 1 })
    await releaseReservation({ orderId: released })
    expect(await ask(released, 2, { 'Q-7': 1 })).toEqual({ outcome: 'released' })
    await ask(shipped, 1, { 'Q-7': 1 })
    await commitReservation({ orderId: shipped })
    const ship = createShipReservation({ transact, consumer: 'test', logger: { warn: () => {} } })
    await ship({
      eventId: randomUUID(),
      shipmentId: randomUUID(),
      orderId: shipped,
      warehouse: 'AMS',
      lines: need({ 'Q-7': 1 }),
    })
    expect(await ask(shipped, 2, { 'Q-7': 2 })).toMatchObject({ outcome: 'refused' })
    expect(await levels('Q-7')).toEqual({ AMS: [8, 0, 0] })
  })

  it('never shortens the hold', async () => {
    await stock('Q-8', { AMS: 9 })
    const orderId = randomUUID()
    await ask(orderId, 1, { 'Q-8': 1 })
    const expiresAt = new Date(Date.now() + 86_400_000)
    await database.reservation.update({ where: { id: orderId }, data: { expiresAt } })
    expect(await ask(orderId, 2, { 'Q-8': 2 })).toMatchObject({ expiresAt: expiresAt.toISOString() })
  })

  it('never deadlocks with first requests, commits and releases of the same products', async () => {
    const skus = ['Q-D1', 'Q-D2', 'Q-D3', 'Q-D4', 'Q-D5', 'Q-D6']
    for (const sku of skus) await stock(sku, { AMS: 1_000, LJU: 1_000 })
    const wish = Object.fromEntries(skus.map((sku) => [sku, 1]))
    const known = Array.from({ length: 60 }, () => randomUUID())
    await Promise.all(known.map((orderId) => ask(orderId, 1, wish)))
    await Promise.all(
      known.flatMap((orderId, index) => [
        ask(orderId, 2, { ...wish, 'Q-D1': 2 }),
        ask(randomUUID(), 1, wish),
        index % 2 === 0 ? commitReservation({ orderId }) : releaseReservation({ orderId }),
      ]),
    )
    expect(await wrongStock()).toEqual([])
  })

  it('ends with exact stock when many orders change their minds at once over the same products', async () => {
    const skus = ['Q-A', 'Q-B', 'Q-C']
    for (const sku of skus) await stock(sku, { AMS: 40, LJU: 40 })
    const orderIds = Array.from({ length: 20 }, () => randomUUID())
    await Promise.all(orderIds.map((orderId) => ask(orderId, 1, { 'Q-A': 2, 'Q-B': 2 })))
    await Promise.all(orderIds.slice(0, 10).map((orderId) => commitReservation({ orderId })))
    const wishes = [{ 'Q-C': 5, 'Q-A': 1 }, { 'Q-B': 4, 'Q-A': 4 }, { 'Q-B': 1 }]
    await Promise.all(
      orderIds.flatMap((orderId, index) => {
        const wish = wishes[index % wishes.length]!
        return [ask(orderId, 2, wish), ask(orderId, 2, wish), ask(orderId, 3, { 'Q-C': 3, 'Q-B': 1 })]
      }),
    )
    for (const orderId of orderIds) {
      const versions = (await events(orderId)).map(([version]) => version)
      expect(versions).toEqual(versions.map((_, index) => index + 1))
    }
    expect(await wrongStock()).toEqual([])
  })
})

describe('a request that takes what there is', () => {
  it('holds that and says what is missing', async () => {
    await stock('T-1', { AMS: 2, LJU: 1 })
    await stock('T-2', { AMS: 5 })
    const orderId = randomUUID()
    const wish = { 'T-1': 4, 'T-2': 1, 'T-NONE': 2 }
    const answer = await ask(orderId, 1, wish, { onShortage: 'take_available' })
    expect(answer).toEqual({
      outcome: 'held',
      expiresAt: expect.any(String),
      allocations: [
        { warehouse: 'AMS', lines: need({ 'T-1': 2, 'T-2': 1 }) },
        { warehouse: 'LJU', lines: need({ 'T-1': 1 }) },
      ],
      shortages: [
        { sku: 'T-1', requested: 4, available: 3 },
        { sku: 'T-NONE', requested: 2, available: 0 },
      ],
    })
    expect(await ask(orderId, 1, wish, { onShortage: 'take_available' })).toEqual(answer)
    expect(await levels('T-1')).toEqual({ AMS: [2, 2, 0], LJU: [1, 1, 0] })
  })

  it('is refused when there is nothing at all', async () => {
    await stock('T-3', {})
    const orderId = randomUUID()
    expect(await ask(orderId, 1, { 'T-3': 4 }, { onShortage: 'take_available' })).toEqual({
      outcome: 'out_of_stock',
      shortages: [{ sku: 'T-3', requested: 4, available: 0 }],
    })
    expect(await typesOf(orderId)).toEqual(['reservation.refused'])
  })

  it('says nothing of shortages when there are none', async () => {
    await stock('T-4', { AMS: 4 })
    expect(await ask(randomUUID(), 1, { 'T-4': 4 }, { onShortage: 'take_available' })).not.toHaveProperty(
      'shortages',
    )
  })
})
