/** Opens the service's own database. */
import { openPostgres, type WithSql } from '#platform/postgres.ts'
import { PrismaClient } from '#prisma/shipping/client/client.ts'

export type ShippingDatabase = WithSql<PrismaClient>

export function openDatabase(connectionString: string, max: number): ShippingDatabase {
  const { adapter, sql } = openPostgres(connectionString, max)
  return Object.assign(new PrismaClient({ adapter }), sql)
}
