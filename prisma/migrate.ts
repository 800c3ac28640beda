import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import * as engine from '@prisma/schema-engine-wasm/schema_engine_bg'
import { Pool } from 'pg'
import { DATABASE_NAMES } from '#contracts/services.ts'

export type MigrateOptions = {
  /** Where `<name>/schema.prisma` and `<name>/migrations` are; this folder unless told. */
  folder?: string
}

/**
 * Applies what is missing of `prisma/<name>/migrations` and answers the names of the migrations it applied. It keeps the
 * table `_prisma_migrations` as Prisma's own CLI does, so that `prisma migrate deploy` can go on from there. Several at
 * the same time wait for each other.
 */
export const migrate = async (
  name: string,
  connectionString: string,
  { folder = import.meta.dirname }: MigrateOptions = {},
): Promise<string[]> => {
  const schemaFile = path.join(folder, name, 'schema.prisma')
  const migrationsList = await readMigrations(path.join(folder, name, 'migrations'))
  const datamodels: [string, string][] = [[schemaFile, await readFile(schemaFile, 'utf8')]]
  await loadEngine()
  // One connection: the engine's advisory lock belongs to a session, and holds for the statements of that session only.
  const pool = new Pool({ connectionString, max: 1, idleTimeoutMillis: 0 })
  try {
    const schemaEngine = await engine.SchemaEngine.new({ datamodels }, ignoreLog, adapterFor(pool))
    const applied = await schemaEngine.applyMigrations({
      migrationsList,
      filters: { externalTables: [], externalEnums: [] },
    })
    return applied.appliedMigrationNames
  } catch (error) {
    throw new Error(`The migrations of ${name} could not be applied: ${messageOf(error)}`, { cause: error })
  } finally {
    await pool.end() // also gives the lock back, which the engine leaves to the end of its process
  }
}

/**
 * The adapter cuts scripts at every semicolon, those inside of function bodies and strings too. Sent whole, as Prisma's
 * own CLI does, PostgreSQL reads them itself and a migration is one transaction.
 */
const adapterFor = (pool: Pool) => {
  const factory = new PrismaPg(pool)
  return bindMigrationAwareSqlAdapterFactory({
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => {
      const adapter = await factory.connect()
      adapter.executeScript = async (script) => {
        await adapter.executeRaw({ sql: script, args: [], argTypes: [] })
      }
      return adapter
    },
    connectToShadowDb: () => factory.connectToShadowDb(),
  })
}

const ignoreLog = (): void => undefined

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const readMigrations = async (baseDir: string): Promise<engine.MigrationList> => {
  const entries = await readdir(baseDir, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return {
    baseDir,
    lockfile: {
      path: 'migration_lock.toml',
      content: await readIfPresent(path.join(baseDir, 'migration_lock.toml')),
    },
    shadowDbInitScript: '',
    // The engine applies them in this order: names begin with their timestamp.
    migrationDirectories: await Promise.all(names.sort().map((name) => readMigration(baseDir, name))),
  }
}

const readMigration = async (baseDir: string, name: string): Promise<engine.MigrationDirectory> => ({
  path: name,
  migrationFile: {
    path: 'migration.sql',
    content: { tag: 'ok', value: await readFile(path.join(baseDir, name, 'migration.sql'), 'utf8') },
  },
})

const readIfPresent = async (file: string): Promise<string | null> => {
  try {
    return await readFile(file, 'utf8')
  } catch {
    return null // the engine asks for null when there is none
  }
}

// The compiler knows WebAssembly only as a part of the DOM, which this code must not see.
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
    imports: Record<string, Record<string, unknown>>,
  ): Promise<{ instance: { exports: { __wbindgen_start(): void } } }>
}

let engineLoading: Promise<void> | undefined

/** The engine is Prisma's own, compiled to WebAssembly: nothing is downloaded. Its glue code leaves loading to us. */
const loadEngine = (): Promise<void> => (engineLoading ??= instantiateEngine())

const instantiateEngine = async (): Promise<void> => {
  const glue = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg')
  const bytes = await readFile(path.join(path.dirname(glue), 'schema_engine_bg.wasm'))
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': { ...engine } })
  engine.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
}

const HELP = `Usage: DATABASE_URL=postgresql://… node prisma/migrate.ts NAME

Applies the migrations in prisma/NAME/migrations that the database lacks.
NAME is one of: ${DATABASE_NAMES.join(', ')}
`

const main = async (names: readonly string[], connectionString: string | undefined): Promise<void> => {
  const [name] = names
  if (names.includes('--help') || names.includes('-h')) return void process.stdout.write(HELP)
  const isKnown = DATABASE_NAMES.some((known) => known === name)
  if (name === undefined || names.length !== 1 || !isKnown || !connectionString) {
    process.stderr.write(isKnown && !connectionString ? `DATABASE_URL is not set\n\n${HELP}` : HELP)
    process.exitCode = 2
    return
  }
  const applied = await migrate(name, connectionString)
  process.stdout.write(
    applied.length > 0 ? `${name}: applied ${applied.join(', ')}\n` : `${name}: up to date\n`,
  )
}

if (import.meta.main) {
  main(process.argv.slice(2), process.env['DATABASE_URL']).catch((error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = 1
  })
}
