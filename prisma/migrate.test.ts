import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '#stack/ports.ts'
import { createPostgres, type Postgres } from '#stack/postgres.ts'
import { loadSecrets } from '#stack/secrets.ts'
import { temporaryFolder } from '#stack/temporary-folder.ts'
import { query } from '#tests/support/database.ts'
import { migrate } from './migrate.ts'

const run = promisify(execFile)
const folder = temporaryFolder()
const schemas = path.join(folder.path, 'prisma')
let postgres: Postgres

const SCHEMA = `
datasource db {
  provider = "postgresql"
}
model Item {
  id   String @id
  name String
}
`

const writeMigration = (database: string, name: string, sql: string): void => {
  const migrations = path.join(schemas, database, 'migrations')
  mkdirSync(path.join(migrations, name), { recursive: true })
  writeFileSync(path.join(schemas, database, 'schema.prisma'), SCHEMA)
  writeFileSync(path.join(migrations, 'migration_lock.toml'), 'provider = "postgresql"\n')
  writeFileSync(path.join(migrations, name, 'migration.sql'), sql)
}

const APPLIED =
  'SELECT migration_name, applied_steps_count, finished_at IS NOT NULL AS finished FROM _prisma_migrations ORDER BY started_at'

beforeAll(async () => {
  const dataFolder = path.join(folder.path, 'data')
  mkdirSync(dataFolder)
  postgres = createPostgres({
    dataFolder,
    port: (await freePorts()).postgres,
    secrets: await loadSecrets(dataFolder),
    survivesPowerFailure: false,
  })
  await postgres.start()
}, 60_000)

afterAll(async () => {
  await postgres?.stop()
  folder.remove()
})

describe('migrate', () => {
  test('what is missing is applied in order, once, and noted in the table of Prisma', async () => {
    const url = postgres.databaseUrls.orders
    writeMigration(
      'orders',
      '20260101000000_items',
      'CREATE TABLE "Item" (id text PRIMARY KEY, name text NOT NULL);',
    )
    expect(await migrate('orders', url, { folder: schemas })).toEqual(['20260101000000_items'])
    expect(await migrate('orders', url, { folder: schemas })).toEqual([])
    writeMigration('orders', '20260103000000_check', 'ALTER TABLE "Item" ADD CHECK (length(name) < 10);')
    writeMigration('orders', '20260102000000_shorten', `UPDATE "Item" SET name = left(name, 9);`)
    expect(await migrate('orders', url, { folder: schemas })).toEqual([
      '20260102000000_shorten',
      '20260103000000_check',
    ])
    expect(await query(url, APPLIED)).toEqual(
      ['20260101000000_items', '20260102000000_shorten', '20260103000000_check'].map((name) => ({
        migration_name: name,
        applied_steps_count: 1,
        finished: true,
      })),
    )
  })

  test('several at the same time apply each migration once', async () => {
    const url = postgres.databaseUrls.inventory
    writeMigration(
      'inventory',
      '20260101000000_items',
      'CREATE TABLE "Item" (id text); SELECT pg_sleep(0.2);',
    )
    const applied = await Promise.all(
      Array.from({ length: 5 }, () => migrate('inventory', url, { folder: schemas })),
    )
    expect(applied.flat()).toEqual(['20260101000000_items'])
    expect(await query(url, APPLIED)).toHaveLength(1)
  })

  test('semicolons inside of function bodies and strings are left alone', async () => {
    const url = postgres.databaseUrls.shipping
    writeMigration(
      'shipping',
      '20260101000000_function',
      `CREATE TABLE t (id int);
       CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no; never'; END $$;
       CREATE TRIGGER refuse BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION refuse();`,
    )
    await migrate('shipping', url, { folder: schemas })
    await query(url, 'INSERT INTO t VALUES (1)')
    await expect(query(url, 'DELETE FROM t')).rejects.toThrow('no; never')
  })

  test('a migration that fails names the database, the migration and the reason, and stays failed', async () => {
    const url = postgres.databaseUrls.payments
    writeMigration(
      'payments',
      '20260101000000_wrong',
      'CREATE TABLE ok (id int); SELECT no_such_column FROM ok;',
    )
    const attempt = () => migrate('payments', url, { folder: schemas })
    await expect(attempt()).rejects.toThrow(
      /migrations of payments[^]*no_such_column[^]*20260101000000_wrong/,
    )
    await expect(attempt()).rejects.toThrow(/migrations of payments[^]*20260101000000_wrong/)
  })

  test('a migration that fails halfway leaves nothing of itself', async () => {
    const [ok] = await query(postgres.databaseUrls.payments, `SELECT to_regclass('ok') AS ok`)
    expect(ok).toEqual({ ok: null })
  })

  test('no connection is kept, so that no lock is', async () => {
    const others = `SELECT application_name FROM pg_stat_activity
      WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
    await expect.poll(() => query(postgres.superuserUrl, others)).toEqual([])
  })

  test('a server that is not there is an error, not a crash', async () => {
    const url = 'postgresql://orders:x@127.0.0.1:1/orders'
    await expect(migrate('orders', url, { folder: schemas })).rejects.toThrow(/migrations of orders/)
  })
})

describe('node prisma/migrate.ts', () => {
  const cli = (args: string[], environment: Record<string, string> = {}) =>
    run(process.execPath, [path.join(import.meta.dirname, 'migrate.ts'), ...args], {
      env: { PATH: process.env['PATH'], ...environment },
    })

  test('--help says how to call it', async () => {
    expect((await cli(['--help'])).stdout).toMatch(/^Usage: DATABASE_URL=/)
  })

  test.each([[[]], [['nonsense']], [['orders', 'users']]])('%j is refused with the usage', async (args) => {
    await expect(cli(args, { DATABASE_URL: 'x' })).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Usage:'),
    })
  })

  test('a missing DATABASE_URL is named', async () => {
    await expect(cli(['orders'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DATABASE_URL is not set'),
    })
  })
})
