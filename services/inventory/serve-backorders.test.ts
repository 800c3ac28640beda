import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { inventoryConsumers } from './consumers.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock, type StockRequest } from './reserve-stock.ts'
import { createServeBackorders } from './serve-backorders.ts'

const inventory = await testInventory(20)
const { database, transact, granting, stock, levels, events, payloads, wrongStock } = inventory
const reserveStock = createReserveStock(granting)
const releaseReservation = createReleaseReservation({ transact })
const commitReservation = createCommitReservation({ transact })
const serveBackorders = createServeBackorders({ database, ...granting })

const need = (units: Record<string, number>) =>
  Object.entries(units).map(([sku, quantity]) => ({ sku, quantity }))

const ask = (
  orderId: string,
  units: Record<string, number>,
  onShortage: StockRequest['onShortage'] = 'refuse',
  request = 1,
) => reserveStock({ orderId, request, lines: need(units), onShortage })

async function backorder(units: Record<string, number>): Promise<string> {
  const orderId = randomUUID()
  expect((await ask(orderId, units, 'backorder')).outcome).toBe('backordered')
  return orderId
}

const statusesOf = async (...orderIds: string[]) => {
  const rows = await database.reservation.findMany({ where: { id: { in: orderIds } } })
  return orderIds.map((id) => rows.find((row) => row.id === id)?.status)
}

describe('an order that waits for stock', () => {
  it('holds nothing, and is told when the stock is there', async () => {
    await stock('W-1', { AMS: 1 })
    await stock('W-2', { AMS: 9 })
    const orderId = randomUUID()
    const wish = { 'W-1': 3, 'W-2': 2 }
    const waiting = {
      outcome: 'backordered',
      shortages: [{ sku: 'W-1', requested: 3, available: 1 }],
    }
    expect(await ask(orderId, wish, 'backorder')).toEqual(waiting)
    expect(await ask(orderId, wish, 'backorder')).toEqual(waiting)
    expect(await commitReservation({ orderId })).toBe('gone')
    expect([await levels('W-1'), await levels('W-2')]).toEqual([{ AMS: [1, 0, 0] }, { AMS: [9, 0, 0] }])

    await stock('W-1', { LJU: 2 })
    expect(await serveBackorders()).toBe(1)
    expect(await levels('W-1')).toEqual({ AMS: [1, 1, 0], LJU: [2, 2, 0] })
    expect(await levels('W-2')).toEqual({ AMS: [9, 2, 0] })
    expect(await events(orderId)).toEqual([
      [1, 'reservation.backordered'],
      [2, 'reservation.held'],
    ])
    expect((await payloads(orderId))[0]).toEqual({ orderId, skus: ['W-1'] })
    const held = await ask(orderId, wish, 'backorder')
    expect(held).toMatchObject({ outcome: 'held', expiresAt: expect.any(String) })
    expect((await payloads(orderId))[1]).toMatchObject({
      expiresAt: 'expiresAt' in held && held.expiresAt,
    })
    expect(await serveBackorders()).toBe(0)
    expect(await commitReservation({ orderId })).toBe('committed')
    expect(await wrongStock()).toEqual([])
  })

  it('is served in the order in which orders came, and nobody is let in between', async () => {
    await stock('W-3', { AMS: 1 })
    const [first, second, third] = [
      await backorder({ 'W-3': 3 }),
      await backorder({ 'W-3': 2 }),
      await backorder({ 'W-3': 2 }),
    ]
    // one unit is there, and it is not for a newcomer
    const newcomer = randomUUID()
    expect(await ask(newcomer, { 'W-3': 1 })).toEqual({
      outcome: 'out_of_stock',
      shortages: [{ sku: 'W-3', requested: 1, available: 0 }],
    })
    await stock('W-3', { AMS: 1 })
    expect(await serveBackorders()).toBe(0) // two, which would do for the second
    await stock('W-3', { LJU: 3 })
    expect(await serveBackorders()).toBe(2)
    expect(await statusesOf(first, second, third)).toEqual(['held', 'held', 'backordered'])
    expect((await ask(newcomer, { 'W-3': 1 }, 'take_available', 2)).outcome).toBe('out_of_stock')
    await releaseReservation({ orderId: second })
    expect(await serveBackorders()).toBe(1)
    expect(await statusesOf(third)).toEqual(['held'])
    expect(await levels('W-3')).toEqual({ AMS: [2, 2, 0], LJU: [3, 3, 0] })
  })

  it('lets the next one go when it gives up', async () => {
    await stock('W-4', { AMS: 1 })
    const [first, second] = [await backorder({ 'W-4': 3 }), await backorder({ 'W-4': 1 }).catch(() => '')]
    expect(second).not.toBe('')
    await releaseReservation({ orderId: first })
    expect(await events(first)).toEqual([
      [1, 'reservation.backordered'],
      [2, 'reservation.released'],
    ])
    expect(await serveBackorders()).toBe(1)
    expect(await statusesOf(first, second)).toEqual(['released', 'held'])
    expect(await database.backorderLine.count({ where: { sku: 'W-4' } })).toBe(0)
  })

  it('keeps nobody from what it has enough of, until that is gone', async () => {
    await stock('W-5', {})
    await stock('W-6', { AMS: 2 })
    const waiting = await backorder({ 'W-5': 1, 'W-6': 2 })
    const quick = randomUUID()
    expect((await ask(quick, { 'W-6': 1 })).outcome).toBe('held')
    await stock('W-5', { AMS: 1 })
    expect(await serveBackorders()).toBe(0)
    // now it waits for both, in its place: what comes is for it
    expect((await ask(randomUUID(), { 'W-6': 1 })).outcome).toBe('out_of_stock')
    expect((await ask(randomUUID(), { 'W-5': 1 })).outcome).toBe('out_of_stock')
    await stock('W-6', { LJU: 1 })
    expect(await serveBackorders()).toBe(1)
    expect(await statusesOf(waiting)).toEqual(['held'])
  })

  it('may take what there is instead, when nobody is before it', async () => {
    await stock('W-7', { AMS: 2 })
    const [first, second] = [await backorder({ 'W-7': 3 }), await backorder({ 'W-7': 3 })]
    expect((await ask(second, { 'W-7': 3 }, 'take_available', 2)).outcome).toBe('out_of_stock')
    expect(await statusesOf(second)).toEqual(['backordered'])
    expect(await ask(first, { 'W-7': 3 }, 'take_available', 2)).toMatchObject({
      outcome: 'held',
      shortages: [{ sku: 'W-7', requested: 3, available: 2 }],
    })
    await stock('W-7', { AMS: 3 })
    expect(await serveBackorders()).toBe(1)
    expect(await statusesOf(second)).toEqual(['held'])
    expect(await ask(second, { 'W-7': 3 }, 'take_available', 2)).toMatchObject({ outcome: 'out_of_stock' })
  })

  it('keeps its place when it asks for the same or less, and loses it when it asks for more', async () => {
    await stock('W-8', {})
    const [first, second] = [await backorder({ 'W-8': 3 }), await backorder({ 'W-8': 2 })]
    await ask(first, { 'W-8': 2 }, 'backorder', 2)
    await stock('W-8', { AMS: 2 })
    expect(await serveBackorders()).toBe(1)
    expect(await statusesOf(first, second)).toEqual(['held', 'backordered'])

    const third = await backorder({ 'W-8': 1 })
    await ask(second, { 'W-8': 4 }, 'backorder', 2)
    await stock('W-8', { AMS: 4 })
    expect(await serveBackorders()).toBe(1)
    expect(await statusesOf(second, third)).toEqual(['backordered', 'held'])
    await stock('W-8', { AMS: 1 })
    expect(await serveBackorders()).toBe(1)
    expect(await wrongStock()).toEqual([])
  })

  it('is not put into the queue when it holds something already', async () => {
    await stock('W-9', { AMS: 2 })
    const orderId = randomUUID()
    await ask(orderId, { 'W-9': 1 })
    expect((await ask(orderId, { 'W-9': 3 }, 'backorder', 2)).outcome).toBe('out_of_stock')
    expect(await statusesOf(orderId)).toEqual(['held'])
  })

  it('can wait for a product that no warehouse has ever had', async () => {
    const orderId = await backorder({ 'W-NEVER': 1 })
    expect(await serveBackorders()).toBe(0)
    await stock('W-NEVER', { LJU: 1 })
    expect(await serveBackorders()).toBe(1)
    expect(await statusesOf(orderId)).toEqual(['held'])
  })

  it('is served once, first come first served, however many serve and come at the same time', async () => {
    const skus = ['W-A', 'W-B']
    for (const sku of skus) await stock(sku, {})
    const orders: string[] = []
    for (let order = 0; order < 30; order += 1) {
      orders.push(await backorder(order % 3 === 0 ? { 'W-A': 1, 'W-B': 1 } : { [skus[order % 2]!]: 1 }))
    }
    const arrive = async (sku: string) => {
      await stock(sku, { AMS: 1 })
      await serveBackorders()
    }
    const intruders = Array.from({ length: 20 }, (_, index) => ask(randomUUID(), { [skus[index % 2]!]: 1 }))
    const [answers] = await Promise.all([
      Promise.all(intruders),
      ...Array.from({ length: 20 }, (_, index) => arrive(skus[index % 2]!)),
      ...orders.slice(0, 3).map((orderId) => releaseReservation({ orderId })),
    ])
    await serveBackorders()
    expect(answers.filter(({ outcome }) => outcome === 'held')).toEqual([])
    for (const sku of skus) {
      const lines = orders.slice(3).filter((_, index) => wants(index + 3, sku))
      const statuses = await statusesOf(...lines)
      // whoever of this product's queue was served came before whoever was not
      expect(statuses.join(' ')).toMatch(/^(held ?)*(backordered ?)*$/)
    }
    const held = (await Promise.all(skus.map((sku) => levels(sku)))).map((level) => level['AMS']![1])
    expect(Math.max(...held)).toBeLessThanOrEqual(10)
    expect(Math.min(...held)).toBeGreaterThan(0)
    expect(await wrongStock()).toEqual([])
  })
})

const wants = (order: number, sku: string): boolean =>
  order % 3 === 0 || (order % 2 === 0 ? 'W-A' : 'W-B') === sku

describe('the consumer inventory-backorders', () => {
  it('serves after every event that may have brought stock or shortened the queue', async () => {
    let served = 0
    const [, consumer] = inventoryConsumers({
      shipReservation: () => Promise.resolve(),
      serveBackorders: () => Promise.resolve((served += 1)),
    })
    expect(consumer!.durable).toBe('inventory-backorders')
    expect(consumer!.subjects).toEqual([
      'evt.inventory.stock.adjusted.>',
      'evt.inventory.stock.restocked.>',
      'evt.inventory.reservation.held.>',
      'evt.inventory.reservation.backordered.>',
      'evt.inventory.reservation.changed.>',
      'evt.inventory.reservation.released.>',
      'evt.inventory.reservation.expired.>',
    ])
    await consumer!.handle({
      eventId: randomUUID(),
      eventType: 'stock.adjusted',
      aggregateId: 'A:AMS',
      timestamp: new Date().toISOString(),
      version: 1,
      payload: { sku: 'A', warehouse: 'AMS', delta: 1, reason: 'test' },
    })
    expect(served).toBe(1)
  })
})
