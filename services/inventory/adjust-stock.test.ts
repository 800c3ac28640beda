import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testInventory } from '#tests/support/inventory.ts'
import { createAdjustStock } from './adjust-stock.ts'

const { database, transact, stock, levels, events, wrongStock } = await testInventory()
const adjustStock = createAdjustStock({ database, transact })

describe('what a warehouse can hold of a product', () => {
  const adjust = (sku: string, delta: number, key: string = randomUUID()) => {
    const change = { sku, warehouse: 'AMS', delta, reason: 'delivery' }
    const route = '/api/v1/stock/:sku/adjustments'
    return adjustStock(change, { caller: 'operator', key, method: 'POST', route, body: change })
  }

  it('is not exceeded: `delta` says by how much it may grow, and nothing has changed', async () => {
    await stock('FULL-1', { AMS: 99_999_998 })
    const before = await events('FULL-1:AMS')
    const key = randomUUID()
    await expect(adjust('FULL-1', 3, key)).rejects.toMatchObject({
      code: 'validation_failed',
      status: 400,
      message: expect.stringContaining('AMS has 99999998 of FULL-1'),
      errors: [{ path: 'delta', message: 'must be at most 2' }],
    })
    expect(await levels('FULL-1')).toEqual({ AMS: [99_999_998, 0, 0] })
    expect(await events('FULL-1:AMS')).toEqual(before)
    expect(await database.stockMovement.count({ where: { sku: 'FULL-1' } })).toBe(1)
    expect(await wrongStock()).toEqual([])
    // the refusal has not used the key up
    await adjust('FULL-1', -1)
    expect(await adjust('FULL-1', 3, key)).toMatchObject({ replayed: false })
    expect(await levels('FULL-1')).toEqual({ AMS: [100_000_000, 0, 0] })
  })
})
