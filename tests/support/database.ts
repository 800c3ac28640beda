/** A migrated database for one test file, dropped when the file is done. */
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import type { DatabaseName } from '#contracts/services.ts'
import { migrate } from '#prisma/migrate.ts'
import { closeWithFile } from './closing.ts'

/** @returns the new database's connection string */
export async function freshDatabase(name: DatabaseName): Promise<string> {
  const { superuserUrl } = inject('infrastructure')
  const database = `${name}_${randomBytes(6).toString('hex')}`
  await query(superuserUrl, `CREATE DATABASE ${database}`)
  closeWithFile(() => query(superuserUrl, `DROP DATABASE ${database} WITH (FORCE)`))
  const url = new URL(superuserUrl)
  url.pathname = `/${database}`
  await migrate(name, url.href)
  return url.href
}

/** The rows of a statement, on a connection of its own. */
export async function query(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
