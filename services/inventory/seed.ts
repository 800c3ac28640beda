/** What the local stack begins with: two warehouses and a small catalog. */
import type { ProductBody } from '#contracts/http/inventory.ts'
import { inTransaction, type Database, type Sql } from '#platform/database.ts'
import { applyAdjustment } from './adjust-stock.ts'
import { createPutProduct } from './put-product.ts'

const WAREHOUSES = [
  { code: 'AMS', name: 'Amsterdam', priority: 1 },
  { code: 'LJU', name: 'Ljubljana', priority: 2 },
]

interface SeedProduct {
  sku: string
  name: string
  /** Cents. */
  price: number
  taxClass: ProductBody['taxClass']
  weightGrams: number
  stock: Readonly<Record<string, number>>
}

const product = (
  sku: string,
  name: string,
  price: number,
  weightGrams: number,
  stock: SeedProduct['stock'],
  taxClass: SeedProduct['taxClass'] = 'standard',
): SeedProduct => ({ sku, name, price, taxClass, weightGrams, stock })

export const SEED_PRODUCTS: readonly SeedProduct[] = [
  product('TEE-BLACK-M', 'T-shirt, black, M', 1_990, 180, { AMS: 100_000, LJU: 100_000 }),
  product('TEE-WHITE-L', 'T-shirt, white, L', 1_990, 200, { AMS: 500, LJU: 500 }),
  product('HOODIE-GREY-M', 'Hoodie, grey, M', 4_990, 650, { AMS: 200, LJU: 80 }),
  product('CAP-NAVY', 'Cap, navy', 1_490, 90, { LJU: 300 }),
  product('MUG-WHITE', 'Mug, white', 950, 340, { AMS: 100_000 }),
  product('BOTTLE-STEEL', 'Bottle, steel, 750 ml', 2_490, 310, { AMS: 150, LJU: 150 }),
  product('NOTEBOOK-A5', 'Notebook, A5, dotted', 1_250, 260, { AMS: 1_000, LJU: 400 }),
  product('PEN-BLUE', 'Pen, blue', 290, 12, { AMS: 5_000, LJU: 5_000 }),
  product('BOOK-SAGAS', 'Sagas, a field guide', 3_400, 720, { AMS: 120, LJU: 60 }, 'reduced'),
  product('TOTE-CANVAS', 'Tote bag, canvas', 1_190, 150, { LJU: 900 }),
  product('LAMP-OAK', 'Desk lamp, oak', 8_900, 2_400, { AMS: 5, LJU: 5 }),
  product('POSTER-LTD', 'Poster, limited edition', 2_900, 120, { LJU: 3 }),
  product('CHAIR-ASH', 'Chair, ash', 24_900, 6_800, {}),
  product('GIFT-CARD', 'Gift card', 5_000, 5, { AMS: 10_000, LJU: 10_000 }, 'zero'),
]

const SEED_LOCK = 77_101

/**
 * Loads the catalog into a database that has no warehouse yet, with the events that real calls would write; the relay of
 * the running service publishes them.
 *
 * @returns whether it was loaded now
 */
export const seedInventory = (database: Database): Promise<boolean> =>
  inTransaction(database, async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${SEED_LOCK})`
    const [found] = await tx.$queryRaw<
      { warehouses: number }[]
    >`SELECT count(*)::int AS warehouses FROM warehouses`
    if (found?.warehouses !== 0) return false
    for (const { code, name, priority } of WAREHOUSES) {
      await tx.$executeRaw`INSERT INTO warehouses (code, name, priority) VALUES (${code}, ${name}, ${priority})`
    }
    for (const entry of SEED_PRODUCTS) await load(tx, entry)
    return true
  })

async function load(tx: Sql, { sku, stock, ...fields }: SeedProduct): Promise<void> {
  const putProduct = createPutProduct({ transact: (work) => work(tx) })
  await putProduct({ sku, product: { ...fields, currency: 'EUR', active: true } })
  for (const [warehouse, delta] of Object.entries(stock)) {
    await applyAdjustment(tx, { sku, warehouse, delta, reason: 'first delivery' })
  }
}
