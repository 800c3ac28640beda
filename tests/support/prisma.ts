/** Prisma's own client of the orders database, whose raw SQL is Prisma's too: what the platform's is compared with. */
import { PrismaPg } from '@prisma/adapter-pg'
import type { PoolConfig } from 'pg'
import { PrismaClient } from '#prisma/orders/client/client.ts'

export { Prisma } from '#prisma/orders/client/client.ts'

export const openPrisma = (connectionString: string, settings: PoolConfig = {}): PrismaClient =>
  new PrismaClient({ adapter: new PrismaPg({ connectionString, max: 2, ...settings }) })
