import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const require = createRequire(import.meta.url)

export type GenerateOptions = {
  /** Where `<name>/schema.prisma` are; this folder unless told. */
  folder?: string
  /** Also those whose schema has not changed. */
  force?: boolean
  onProgress?: (message: string) => void
}

/**
 * Generates the Prisma client of each `<name>/schema.prisma` into `<name>/client`, if it isn't there already for this
 * schema and this version of Prisma. Answers the names it generated.
 */
export const generateClients = async (options: GenerateOptions = {}): Promise<string[]> => {
  const folder = options.folder ?? import.meta.dirname
  const prisma = findPrisma()
  const stale = databasesIn(folder).filter(
    (name) => options.force || !isCurrent(path.join(folder, name), prisma.version),
  )
  await Promise.all(stale.map((name) => generate(path.join(folder, name), prisma, options.onProgress)))
  return stale
}

type Prisma = { cli: string; version: string }

const findPrisma = (): Prisma => {
  const manifest = require.resolve('prisma/package.json')
  return { cli: path.join(path.dirname(manifest), 'build', 'index.js'), version: versionIn(manifest) }
}

const versionIn = (manifest: string): string => {
  const parsed: unknown = JSON.parse(readFileSync(manifest, 'utf8'))
  const isComplete = typeof parsed === 'object' && parsed !== null && 'version' in parsed
  if (!isComplete || typeof parsed.version !== 'string') throw new Error(`${manifest} names no version`)
  return parsed.version
}

const databasesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => existsSync(path.join(folder, name, 'schema.prisma')))
    .sort()

const generate = async (
  database: string,
  prisma: Prisma,
  onProgress: GenerateOptions['onProgress'],
): Promise<void> => {
  const name = path.basename(database)
  onProgress?.(`generating the Prisma client of ${name}`)
  // Beside its place and then moved there: who imports the client meanwhile, or generates it too, sees a whole one.
  const draft = mkdtempSync(path.join(database, 'client.new-'))
  try {
    copyFileSync(path.join(database, 'schema.prisma'), path.join(draft, 'schema.prisma'))
    const hash = hashOf(draft, prisma.version)
    await runPrisma(prisma, draft, name)
    writeFileSync(hashFile(draft), hash)
    moveInPlace(database, draft)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

const runPrisma = async (prisma: Prisma, draft: string, name: string): Promise<void> => {
  try {
    await run(process.execPath, [prisma.cli, 'generate', '--schema', path.join(draft, 'schema.prisma')], {
      cwd: draft,
      env: {
        ...process.env,
        // `generate` does not use the schema engine, yet the CLI would download it. Any executable satisfies the check.
        PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        CHECKPOINT_DISABLE: '1',
        NO_COLOR: '1',
      },
    })
  } catch (error) {
    throw new Error(`The Prisma client of ${name} could not be generated${outputOf(error)}`, { cause: error })
  }
}

const moveInPlace = (database: string, draft: string): void => {
  const client = path.join(database, 'client')
  // A folder can't replace another in one step; of two at the same time the later one tries again.
  for (let attempt = 1; ; attempt++) {
    if (existsSync(client)) renameSync(client, path.join(draft, `replaced-${attempt}`))
    try {
      return renameSync(path.join(draft, 'client'), client)
    } catch (error) {
      if (attempt === 5) throw error
    }
  }
}

const isCurrent = (database: string, version: string): boolean => {
  const file = hashFile(database)
  return existsSync(file) && readFileSync(file, 'utf8') === hashOf(database, version)
}

const hashFile = (database: string): string => path.join(database, 'client', '.schema-hash')

const hashOf = (database: string, version: string): string =>
  createHash('sha256')
    .update(`${version}\n`)
    .update(readFileSync(path.join(database, 'schema.prisma')))
    .digest('hex')

const outputOf = (error: unknown): string =>
  error instanceof Error && 'stderr' in error && typeof error.stderr === 'string'
    ? `:\n${error.stderr.trim()}`
    : ''

const HELP = `Usage: node prisma/generate.ts [--force]

Generates the Prisma clients whose schemas have changed (--force: all of them) into prisma/NAME/client.
`

const main = async (flags: readonly string[]): Promise<void> => {
  if (flags.includes('--help') || flags.includes('-h')) return void process.stdout.write(HELP)
  if (flags.some((flag) => flag !== '--force')) {
    process.stderr.write(HELP)
    process.exitCode = 2
    return
  }
  await generateClients({
    force: flags.includes('--force'),
    onProgress: (message) => process.stdout.write(`${message}\n`),
  })
}

if (import.meta.main) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
