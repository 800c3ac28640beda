import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testInventory } from '#tests/support/inventory.ts'
import { createReserveStock } from './reserve-stock.ts'
import { createRestock, type ReturnedGoods } from './restock.ts'
import { createServeBackorders } from './serve-backorders.ts'

const { database, transact, granting, stock, levels, events, payloads, wrongStock } = await testInventory(20)
const restock = createRestock({ transact })

const goods = (sku: string, quantity: number, changes: Partial<ReturnedGoods> = {}): ReturnedGoods => ({
  returnId: randomUUID(),
  orderId: randomUUID(),
  warehouse: 'AMS',
  lines: [{ sku, quantity }],
  disposition: 'restock',
  ...changes,
})

const movementsOf = async (reference: string) =>
  (await database.stockMovement.findMany({ where: { reference }, orderBy: { quantity: 'desc' } })).map(
    ({ kind, quantity }) => [kind, quantity],
  )

describe('restock', () => {
  it('takes goods in, once per return, also where there were none', async () => {
    await stock('B-1', { LJU: 1 })
    const returned = goods('B-1', 2)
    const { orderId, returnId } = returned
    const answers = await Promise.all([1, 2, 3].map(() => restock(returned)))
    expect(answers.map(({ outcome }) => outcome)).toEqual(['restocked', 'restocked', 'restocked'])
    expect(await levels('B-1')).toEqual({ AMS: [2, 0, 0], LJU: [1, 0, 0] })
    expect(await movementsOf(returnId)).toEqual([['returned', 2]])
    expect(await events(returnId)).toEqual([[1, 'stock.restocked']])
    expect(await payloads(returnId)).toEqual([
      { returnId, orderId, warehouse: 'AMS', lines: returned.lines, writtenOff: false },
    ])
    expect(await wrongStock()).toEqual([])
  })

  it('counts what is written off in and out', async () => {
    await stock('B-2', { AMS: 1 })
    const broken = goods('B-2', 3, { disposition: 'write_off' })
    await restock(broken)
    await restock(broken)
    expect(await levels('B-2')).toEqual({ AMS: [1, 0, 0] })
    expect(await movementsOf(broken.returnId)).toEqual([
      ['returned', 3],
      ['adjusted', -3],
    ])
    expect(await payloads(broken.returnId)).toMatchObject([{ writtenOff: true }])
    expect(await wrongStock()).toEqual([])
  })

  it('keeps its first answer whatever a repeat says', async () => {
    await stock('B-3', { AMS: 1 })
    const broken = goods('B-3', 1, { disposition: 'write_off' })
    await restock(broken)
    await restock({ ...broken, disposition: 'restock', lines: [{ sku: 'B-3', quantity: 9 }] })
    expect(await levels('B-3')).toEqual({ AMS: [1, 0, 0] })
  })

  it('is refused where there is no such warehouse or product, and changes nothing', async () => {
    await stock('B-4', { AMS: 1 })
    const nowhere = goods('B-4', 1, { warehouse: 'XXX' })
    expect(await restock(nowhere)).toEqual({ outcome: 'refused', reason: 'there is no warehouse XXX' })
    const lines = [
      { sku: 'B-4', quantity: 1 },
      { sku: 'B-NONE', quantity: 1 },
    ]
    const nothing = goods('B-4', 1, { lines })
    expect(await restock(nothing)).toEqual({ outcome: 'refused', reason: 'there is no product B-NONE' })
    expect(await levels('B-4')).toEqual({ AMS: [1, 0, 0] })
    expect(await events(nothing.returnId)).toEqual([])
    // it can still come in elsewhere
    expect(await restock({ ...nowhere, warehouse: 'AMS' })).toEqual({ outcome: 'restocked' })
  })

  it('serves those who wait', async () => {
    await stock('B-5', {})
    const orderId = randomUUID()
    await createReserveStock(granting)({
      orderId,
      lines: [{ sku: 'B-5', quantity: 2 }],
      onShortage: 'backorder',
    })
    await restock(goods('B-5', 2, { disposition: 'write_off' }))
    expect(await createServeBackorders({ database, ...granting })()).toBe(0)
    await restock(goods('B-5', 2))
    expect(await createServeBackorders({ database, ...granting })()).toBe(1)
    expect(await levels('B-5')).toEqual({ AMS: [2, 2, 0] })
  })

  it('never deadlocks over the same products in another order', async () => {
    const skus = ['B-A', 'B-B', 'B-C', 'B-D']
    for (const sku of skus) await stock(sku, {})
    const lines = skus.map((sku) => ({ sku, quantity: 1 }))
    await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        restock(goods('', 0, { lines: index % 2 === 0 ? lines : lines.toReversed() })),
      ),
    )
    for (const sku of skus) expect(await levels(sku)).toEqual({ AMS: [60, 0, 0] })
    expect(await wrongStock()).toEqual([])
  })
})
