/** Opens the service's own database. */
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from '#prisma/shipping/client/client.ts'

export type ShippingDatabase = PrismaClient

export const openDatabase = (connectionString: string, max: number): ShippingDatabase =>
  new PrismaClient({ adapter: new PrismaPg({ connectionString, max }) })
