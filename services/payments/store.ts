import { openPostgres, type WithSql } from '#platform/postgres.ts'
import { PrismaClient } from '#prisma/payments/client/client.ts'

export type Store = WithSql<PrismaClient>

/** Opens the payments service's database. */
export function openStore(connectionString: string, max: number): Store {
  const { adapter, sql } = openPostgres(connectionString, max)
  return Object.assign(new PrismaClient({ adapter }), sql)
}
