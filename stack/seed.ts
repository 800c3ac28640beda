/** Migrations and the seed of the local stack: applied before the services start, loaded once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { DATABASE_NAMES } from '#contracts/services.ts'
import { migrate } from '#prisma/migrate.ts'
import { openDatabase as openInventory } from '#services/inventory/store.ts'
import { seedInventory } from '#services/inventory/seed.ts'
import { openDatabase as openOrders } from '#services/orders/store.ts'
import { openStore as openUsers } from '#services/users/store.ts'
import { seedUsers } from '#services/users/seed.ts'
import type { Servers } from './environments.ts'

const CATALOG_TIMEOUT_MS = 20_000

/** Brings every database to this version of the code. */
export async function migrateAll(
  { databaseUrls }: Servers,
  onProgress: (message: string) => void,
): Promise<void> {
  const applied = await Promise.all(
    DATABASE_NAMES.map(async (name) => (await migrate(name, databaseUrls[name])).length),
  )
  const count = applied.reduce((sum, one) => sum + one, 0)
  if (count > 0) onProgress(`${count} migrations applied`)
}

/** The accounts and products of a local stack. Nothing else calls this: real deployments begin empty. */
export async function seedAll(
  { databaseUrls }: Servers,
  onProgress: (message: string) => void,
): Promise<void> {
  const users = openUsers({ DATABASE_URL: databaseUrls.users, DATABASE_POOL: 2 })
  const inventory = openInventory(databaseUrls.inventory, 2)
  try {
    const [accounts, loaded] = await Promise.all([seedUsers(users), seedInventory(inventory)])
    if (accounts.length > 0) onProgress(`${accounts.length} accounts made`)
    if (loaded) onProgress('products and stock loaded')
  } finally {
    await Promise.all([users.$disconnect(), inventory.$disconnect()])
  }
}

/** Resolves once the orders service has heard of every product: from then on they can be ordered. */
export async function catalogIsKnown({ databaseUrls }: Servers): Promise<void> {
  const orders = openOrders(databaseUrls.orders, 1)
  const inventory = openInventory(databaseUrls.inventory, 1)
  try {
    const products = await inventory.product.count()
    const deadline = performance.now() + CATALOG_TIMEOUT_MS
    while ((await orders.catalogProduct.count()) < products) {
      if (performance.now() > deadline) throw new Error('the orders service has not heard of the products')
      await sleep(50)
    }
  } finally {
    await Promise.all([orders.$disconnect(), inventory.$disconnect()])
  }
}
