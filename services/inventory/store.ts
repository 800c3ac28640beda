/** Opens the service's own database. */
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '#prisma/inventory/client/client.ts'

export type InventoryDatabase = PrismaClient

export const openDatabase = (connectionString: string, max: number): InventoryDatabase =>
  new PrismaClient({ adapter: new PrismaPg({ connectionString, max }) })
