import { afterAll, describe, expect, it } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { createReadStock } from './read-stock.ts'
import { seedInventory } from './seed.ts'
import { openDatabase } from './store.ts'

const database = openDatabase(await freshDatabase('inventory'), 4)
afterAll(() => database.$disconnect())

describe('seedInventory', () => {
  it('loads the catalog once, however often it is called', async () => {
    const loaded = await Promise.all([1, 2, 3].map(() => seedInventory(database)))
    expect(loaded.filter((now) => now)).toHaveLength(1)
    expect(await database.product.count()).toBe(14)
    expect((await database.warehouse.findMany({ orderBy: { code: 'asc' } })).map(({ code }) => code)).toEqual(
      ['AMS', 'LJU'],
    )
  })

  it('stocks what demonstrations count on', async () => {
    const stock = createReadStock(database)
    const unitsOf = async (sku: string) =>
      Object.fromEntries(
        (await stock.ofProduct(sku)).warehouses.map(({ warehouse, available }) => [warehouse, available]),
      )
    expect(await unitsOf('LAMP-OAK')).toEqual({ AMS: 5, LJU: 5 })
    expect(await unitsOf('POSTER-LTD')).toEqual({ LJU: 3 })
    expect(await unitsOf('CHAIR-ASH')).toEqual({})
    expect(await unitsOf('TEE-BLACK-M')).toEqual({ AMS: 100_000, LJU: 100_000 })
    expect(await unitsOf('MUG-WHITE')).toEqual({ AMS: 100_000 })
  })

  it('announces every product and delivery', async () => {
    const rows = await database.stock.count()
    expect(await database.outbox.count({ where: { type: 'product.changed', version: 1 } })).toBe(14)
    expect(await database.outbox.count({ where: { type: 'stock.adjusted', version: 1 } })).toBe(rows)
    expect(await database.outbox.count()).toBe(14 + rows)
    expect(await database.stockMovement.count()).toBe(rows)
  })
})
