/** A migrated database for one test file, dropped when the file is done. */
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, inject } from 'vitest'
import type { DatabaseName } from '#contracts/services.ts'
import { migrate } from '#prisma/migrate.ts'

/** @returns the new database's connection string */
export async function freshDatabase(name: DatabaseName): Promise<string> {
  const { superuserUrl } = inject('infrastructure')
  const database = `${name}_${randomBytes(6).toString('hex')}`
  await execute(superuserUrl, `CREATE DATABASE ${database}`)
  afterAll(() => execute(superuserUrl, `DROP DATABASE ${database} WITH (FORCE)`))
  const url = new URL(superuserUrl)
  url.pathname = `/${database}`
  await migrate(name, url.href)
  return url.href
}

async function execute(connectionString: string, statement: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
