import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testInventory } from '#tests/support/inventory.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'

const inventory = await testInventory(20)
const { database, transact, granting, stock, levels, events, wrongStock } = inventory
const reserveStock = createReserveStock(granting)
const releaseReservation = createReleaseReservation({ transact })

const countOutcomes = (answers: { outcome: string }[]) => {
  const counts: Record<string, number> = {}
  for (const { outcome } of answers) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

describe('reserveStock', () => {
  it('holds every line and says from where, until when', async () => {
    await stock('R-1', { AMS: 5, LJU: 5 })
    await stock('R-2', { AMS: 1 })
    const orderId = randomUUID()
    const lines = [
      { sku: 'R-1', quantity: 6 },
      { sku: 'R-2', quantity: 1 },
    ]
    const answer = await reserveStock({ orderId, lines })
    expect(answer).toEqual({
      outcome: 'held',
      allocations: [
        {
          warehouse: 'AMS',
          lines: [
            { sku: 'R-1', quantity: 5 },
            { sku: 'R-2', quantity: 1 },
          ],
        },
        { warehouse: 'LJU', lines: [{ sku: 'R-1', quantity: 1 }] },
      ],
      expiresAt: expect.any(String),
    })
    const expiresAt = 'expiresAt' in answer ? Date.parse(answer.expiresAt) : 0
    expect(Math.abs(expiresAt - Date.now() - 3_600_000)).toBeLessThan(60_000)
    expect(await levels('R-1')).toEqual({ AMS: [5, 5, 0], LJU: [5, 1, 0] })
    expect(await levels('R-2')).toEqual({ AMS: [1, 1, 0] })
    expect(await inventory.payloads(orderId)).toEqual([
      {
        orderId,
        expiresAt: 'expiresAt' in answer && answer.expiresAt,
        lines: expect.arrayContaining([
          { warehouse: 'AMS', sku: 'R-1', quantity: 5 },
          { warehouse: 'AMS', sku: 'R-2', quantity: 1 },
          { warehouse: 'LJU', sku: 'R-1', quantity: 1 },
        ]),
      },
    ])
    expect(await events(orderId)).toEqual([[1, 'reservation.held']])
  })

  it('gives a repeat the same answer and holds nothing more', async () => {
    await stock('R-3', { AMS: 10 })
    const order = { orderId: randomUUID(), lines: [{ sku: 'R-3', quantity: 4 }] }
    const first = await reserveStock(order)
    expect(await Promise.all([reserveStock(order), reserveStock(order), reserveStock(order)])).toEqual([
      first,
      first,
      first,
    ])
    expect(await levels('R-3')).toEqual({ AMS: [10, 4, 0] })
    expect(await events(order.orderId)).toEqual([[1, 'reservation.held']])
  })

  it('sums lines of one product before it looks', async () => {
    await stock('R-4', { AMS: 5 })
    const line = { sku: 'R-4', quantity: 3 }
    expect(await reserveStock({ orderId: randomUUID(), lines: [line, line] })).toEqual({
      outcome: 'out_of_stock',
      shortages: [{ sku: 'R-4', requested: 6, available: 5 }],
    })
    expect(await levels('R-4')).toEqual({ AMS: [5, 0, 0] })
  })

  it('holds nothing when one line is short, and keeps that answer', async () => {
    await stock('R-5', { AMS: 5 })
    await stock('R-6', { LJU: 1 })
    const orderId = randomUUID()
    const lines = [
      { sku: 'R-5', quantity: 5 },
      { sku: 'R-6', quantity: 2 },
      { sku: 'R-NONE', quantity: 1 },
    ]
    const refusal = await reserveStock({ orderId, lines })
    expect(refusal).toEqual({
      outcome: 'out_of_stock',
      shortages: [
        { sku: 'R-6', requested: 2, available: 1 },
        { sku: 'R-NONE', requested: 1, available: 0 },
      ],
    })
    expect(await reserveStock({ orderId, lines: [{ sku: 'R-5', quantity: 1 }] })).toEqual(refusal)
    expect(await levels('R-5')).toEqual({ AMS: [5, 0, 0] })
    expect(await levels('R-6')).toEqual({ LJU: [1, 0, 0] })
    expect(await events(orderId)).toEqual([[1, 'reservation.refused']])
  })

  it('does not come to life again after its release', async () => {
    await stock('R-7', { AMS: 5 })
    const early = randomUUID()
    const late = randomUUID()
    const lines = [{ sku: 'R-7', quantity: 2 }]
    await releaseReservation({ orderId: early })
    expect(await reserveStock({ orderId: early, lines })).toEqual({ outcome: 'released' })
    await reserveStock({ orderId: late, lines })
    await releaseReservation({ orderId: late })
    expect(await reserveStock({ orderId: late, lines })).toEqual({ outcome: 'released' })
    expect(await levels('R-7')).toEqual({ AMS: [5, 0, 0] })
    expect(await events(early)).toEqual([])
    expect(await events(late)).toEqual([
      [1, 'reservation.held'],
      [2, 'reservation.released'],
    ])
  })

  it('leaves the last word to the database when a strategy takes too much', async () => {
    await stock('R-8', { AMS: 5 })
    const orderId = randomUUID()
    const greedy = createReserveStock({
      ...granting,
      allocate: () => [{ sku: 'R-8', warehouse: 'AMS', quantity: 6 }],
    })
    await expect(greedy({ orderId, lines: [{ sku: 'R-8', quantity: 1 }] })).rejects.toThrow('stock_available')
    expect(await levels('R-8')).toEqual({ AMS: [5, 0, 0] })
    expect(await database.reservation.count({ where: { id: orderId } })).toBe(0)
    expect(await events(orderId)).toEqual([])
  })

  it('gives the thirty units that there are to thirty of fifty orders at once', async () => {
    await stock('R-HOT', { AMS: 20, LJU: 10 })
    const orders = Array.from({ length: 50 }, () => ({
      orderId: randomUUID(),
      lines: [{ sku: 'R-HOT', quantity: 1 }],
    }))
    const answers = await Promise.all(orders.map(reserveStock))
    expect(countOutcomes(answers)).toEqual({ held: 30, out_of_stock: 20 })
    expect(await levels('R-HOT')).toEqual({ AMS: [20, 20, 0], LJU: [10, 10, 0] })
    expect(await wrongStock()).toEqual([])
  })

  it('never deadlocks over the same products in another order', async () => {
    const skus = ['R-A', 'R-B', 'R-C', 'R-D', 'R-E', 'R-F']
    for (const sku of skus) await stock(sku, { AMS: 1_000, LJU: 1_000 })
    const orders = Array.from({ length: 120 }, (_, index) => {
      const lines = skus.map((sku) => ({ sku, quantity: 1 }))
      return { orderId: randomUUID(), lines: index % 2 === 0 ? lines : lines.toReversed() }
    })
    const answers = await Promise.all(orders.map(reserveStock))
    expect(countOutcomes(answers)).toEqual({ held: 120 })
    for (const sku of skus) expect(await levels(sku)).toEqual({ AMS: [1_000, 120, 0], LJU: [1_000, 0, 0] })
  })

  it('ends with nothing held however a release meets it', async () => {
    await stock('R-RACE', { AMS: 100 })
    const orderIds = Array.from({ length: 40 }, () => randomUUID())
    const answers = await Promise.all(
      orderIds.flatMap((orderId, index) => {
        const reserve = () => reserveStock({ orderId, lines: [{ sku: 'R-RACE', quantity: 2 }] })
        const release = () => releaseReservation({ orderId })
        return index % 2 === 0 ? [reserve(), release(), reserve()] : [release(), reserve(), reserve()]
      }),
    )
    expect(answers).toHaveLength(120)
    expect(await levels('R-RACE')).toEqual({ AMS: [100, 0, 0] })
    for (const orderId of orderIds) {
      expect([[], [1, 2]]).toContainEqual((await events(orderId)).map(([version]) => version))
    }
    expect(await wrongStock()).toEqual([])
  })
})
