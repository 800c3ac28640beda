/** Opens the service's own database. */
import { openPostgres, type WithSql } from '#platform/postgres.ts'
import { PrismaClient } from '#prisma/inventory/client/client.ts'

export type InventoryDatabase = WithSql<PrismaClient>

export function openDatabase(connectionString: string, max: number): InventoryDatabase {
  const { adapter, sql } = openPostgres(connectionString, max)
  return Object.assign(new PrismaClient({ adapter }), sql)
}
