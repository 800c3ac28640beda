import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Allocation } from '#contracts/schemas.ts'
import { testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { createReserveStock, type StockRequest } from './reserve-stock.ts'

const { transact, granting, stock, levels, payloads, wrongStock } = await testInventory(5)
const reserveStock = createReserveStock(granting)
const commitReservation = createCommitReservation({ transact })

const need = (units: Record<string, number>) =>
  Object.entries(units).map(([sku, quantity]) => ({ sku, quantity }))

const ask = (
  orderId: string,
  request: number,
  units: Record<string, number>,
  options: Pick<StockRequest, 'keepPrevious' | 'from'> = {},
) => reserveStock({ orderId, request, lines: need(units), ...options })

const allocationsOf = (answer: Awaited<ReturnType<typeof ask>>) =>
  'allocations' in answer ? answer.allocations : answer.outcome

describe('a request that keeps what was promised before', () => {
  it('leaves both ways open: whoever comes meanwhile gets neither', async () => {
    await stock('K-1', { AMS: 2 })
    await stock('K-2', { LJU: 3 })
    const orderId = randomUUID()
    const first = await ask(orderId, 1, { 'K-1': 2 })
    await commitReservation({ orderId })
    const other = await ask(orderId, 2, { 'K-1': 1, 'K-2': 3 }, { keepPrevious: true })
    const changed = [
      { warehouse: 'AMS', lines: need({ 'K-1': 1 }) },
      { warehouse: 'LJU', lines: need({ 'K-2': 3 }) },
    ]
    expect(allocationsOf(other)).toEqual(changed)
    expect(await ask(orderId, 2, { 'K-1': 1, 'K-2': 3 }, { keepPrevious: true })).toEqual(other)
    expect([await levels('K-1'), await levels('K-2')]).toEqual([{ AMS: [2, 0, 2] }, { LJU: [3, 0, 3] }])
    expect((await payloads(orderId)).at(-1)).toEqual({
      orderId,
      lines: expect.arrayContaining([
        { warehouse: 'AMS', sku: 'K-1', quantity: 2 },
        { warehouse: 'LJU', sku: 'K-2', quantity: 3 },
      ]),
    })
    expect((await ask(randomUUID(), 1, { 'K-1': 1 })).outcome).toBe('out_of_stock')
    expect(await ask(orderId, 3, { 'K-1': 2 })).toMatchObject({ allocations: allocationsOf(first) })
    expect([await levels('K-1'), await levels('K-2')]).toEqual([{ AMS: [2, 0, 2] }, { LJU: [3, 0, 0] }])
    expect(await wrongStock()).toEqual([])
  })

  it('ends with the next one, which takes its units from where it is told', async () => {
    await stock('K-3', { AMS: 1, LJU: 4 })
    const orderId = randomUUID()
    const first = await ask(orderId, 1, { 'K-3': 1 })
    const both = await ask(orderId, 2, { 'K-3': 4 }, { keepPrevious: true })
    expect(allocationsOf(both)).toEqual([{ warehouse: 'LJU', lines: need({ 'K-3': 4 }) }])
    expect(await levels('K-3')).toEqual({ AMS: [1, 1, 0], LJU: [4, 4, 0] })
    await stock('K-3', { AMS: 9 })
    const told = { from: allocationsOf(both) as Allocation[] }
    expect(allocationsOf(await ask(orderId, 3, { 'K-3': 4 }, told))).toEqual(told.from)
    expect(await levels('K-3')).toEqual({ AMS: [10, 0, 0], LJU: [4, 4, 0] })
    // what is told and is not there, or is something else, is decided anew
    expect((await ask(randomUUID(), 1, { 'K-3': 1 }, { from: told.from })).outcome).toBe('held')
    const gone = [{ warehouse: 'LJU', lines: need({ 'K-3': 5 }) }]
    const anew = await ask(orderId, 4, { 'K-3': 5 }, { from: gone })
    expect(allocationsOf(anew)).toEqual([{ warehouse: 'AMS', lines: need({ 'K-3': 5 }) }])
    expect(first.outcome).toBe('held')
    expect(await wrongStock()).toEqual([])
  })

  it('changes nothing when it is refused', async () => {
    await stock('K-4', { AMS: 3 })
    const orderId = randomUUID()
    await ask(orderId, 1, { 'K-4': 2 })
    expect((await ask(orderId, 2, { 'K-4': 4 }, { keepPrevious: true })).outcome).toBe('out_of_stock')
    expect(await levels('K-4')).toEqual({ AMS: [3, 2, 0] })
  })
})
