import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '#prisma/payments/client/client.ts'

export type Store = PrismaClient

/** Opens the payments service's database. */
export const openStore = (connectionString: string, max: number): Store =>
  new PrismaClient({ adapter: new PrismaPg({ connectionString, max }) })
