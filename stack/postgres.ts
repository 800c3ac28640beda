import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { DATABASE_NAMES, type DatabaseName } from '#contracts/services.ts'
import { ChildStartError, superviseChild, type Child, type ChildExit } from './children.ts'
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts'
import { createDatabases } from './postgres-databases.ts'
import { processIdentity } from './process-identity.ts'
import { unprivilegedUser, type RunAs } from './run-as.ts'
import { passwordOf, type Secrets } from './secrets.ts'

const run = promisify(execFile)

const HOST = '127.0.0.1'
const SUPERUSER = 'postgres'
const MAJOR_VERSION = '18'

/** For a small machine that shares its memory with everything else; durability is PostgreSQL's own (fsync stays on). */
const SETTINGS = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  max_connections: '120',
  shared_buffers: '128MB',
  max_wal_size: '512MB',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Planning for analytics, which cost more than they give on queries of a millisecond.
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  // A transaction that a crashed client left open holds locks and stops vacuum.
  idle_in_transaction_session_timeout: '60s',
  log_min_messages: 'warning',
  // Without the DETAIL of errors: it quotes rows, and with them people's addresses.
  log_error_verbosity: 'terse',
}

export type PostgresOptions = {
  dataFolder: string
  port: number
  secrets: Secrets
  /** False for data folders that are thrown away: a crash of the server still loses nothing, one of the machine may. */
  survivesPowerFailure?: boolean
  onProgress?: ((message: string) => void) | undefined
  onUnexpectedExit?: ((exit: ChildExit) => void) | undefined
}

export type Postgres = Child & {
  /** Each with its own role, which can connect to no other database. */
  readonly databaseUrls: Record<DatabaseName, string>
  /** The superuser's connection to the maintenance database, for checkers and tests that look at everything. */
  readonly superuserUrl: string
}

/** The superuser's connection to the maintenance database of the cluster on this port. */
export const superuserUrl = (secrets: Secrets, port: number): string =>
  urlOf(SUPERUSER, secrets.postgresSuperuser, port, 'postgres')

/** The embedded PostgreSQL. Not started yet; `start()` also creates what is missing: the cluster, the databases, the roles. */
export const createPostgres = (options: PostgresOptions): Postgres => {
  const { dataFolder, port, secrets, survivesPowerFailure = true } = options
  const cluster = path.join(dataFolder, 'postgres')
  const superuser = superuserUrl(secrets, port)
  let child: Child | undefined

  const prepare = async (): Promise<Child> => {
    const binaries = findPostgresBinaries(dataFolder)
    const runAs = unprivilegedUser({
      dataFolder: cluster,
      mustReach: [binaries.postgres, path.join(dataFolder, 'postgres-libraries')],
    })
    if (!existsSync(cluster)) {
      options.onProgress?.('creating the PostgreSQL cluster')
      await initialise(cluster, binaries, runAs, secrets.postgresSuperuser)
    }
    await refuseOtherVersion(cluster)
    const settings = Object.entries({
      ...SETTINGS,
      port: String(port),
      fsync: survivesPowerFailure ? 'on' : 'off',
    }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [command = binaries.postgres, ...rest] = [
      ...runAs.command,
      binaries.postgres,
      '-D',
      cluster,
      ...settings,
    ]
    return superviseChild({
      name: 'postgres',
      dataFolder,
      command,
      arguments: rest,
      environment: binaries.environment,
      ...(runAs.user ? { user: runAs.user } : {}),
      ready: () => answers(superuser),
      // Crash recovery after a kill replays the log since the last checkpoint.
      readyTimeoutMilliseconds: 60_000,
      // Fast shutdown; PostgreSQL's SIGTERM waits until every client has left.
      stopSignal: 'SIGINT',
      stopGraceMilliseconds: 15_000,
      onUnexpectedExit: options.onUnexpectedExit,
    })
  }

  const start = async (): Promise<void> => {
    child ??= await prepare()
    await removeStaleLockFile(cluster)
    await startWhenOldBackendsAreGone(child)
    await createDatabases(superuser, secrets.postgres)
  }

  return {
    name: 'postgres',
    logFile: path.join(dataFolder, 'logs', 'postgres.log'),
    databaseUrls: databaseUrls(secrets, port),
    superuserUrl: superuser,
    pid: () => child?.pid(),
    isRunning: () => child?.isRunning() ?? false,
    start,
    stop: async () => child?.stop(),
    kill: async () => child?.kill(),
  }
}

const databaseUrls = (secrets: Secrets, port: number): Record<DatabaseName, string> => {
  const url = (name: DatabaseName): string => urlOf(name, passwordOf(secrets.postgres, name), port, name)
  const [orders, inventory, payments, shipping, users] = DATABASE_NAMES
  return {
    orders: url(orders),
    inventory: url(inventory),
    payments: url(payments),
    shipping: url(shipping),
    users: url(users),
  }
}

const urlOf = (user: string, password: string, port: number, database: string): string =>
  `postgresql://${user}:${password}@${HOST}:${port}/${database}`

/** In a folder of another name first: a start that is killed halfway leaves no half cluster. */
const initialise = async (
  cluster: string,
  binaries: PostgresBinaries,
  runAs: RunAs,
  password: string,
): Promise<void> => {
  const draft = `${cluster}.new`
  const passwordFile = `${cluster}.password`
  await rm(draft, { recursive: true, force: true })
  await rm(passwordFile, { force: true })
  await mkdir(draft, { mode: 0o700 })
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  const owner = ownerFor(runAs)
  if (owner) await Promise.all([draft, passwordFile].map((file) => chown(file, owner.uid, owner.gid)))
  const [command = binaries.initdb, ...rest] = [
    ...runAs.command,
    ...[binaries.initdb, '--pgdata', draft, '--username', SUPERUSER, '--pwfile', passwordFile],
    // A cluster that is seconds old has nothing to lose, and syncing its thousand files takes longer than making them.
    ...['--no-sync', '--auth', 'scram-sha-256', '--encoding', 'UTF8'],
    // PostgreSQL's own collation: the same order on every machine and after every upgrade of its libraries.
    ...['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
  ]
  try {
    await run(command, rest, { env: binaries.environment, cwd: '/', ...runAs.user })
  } catch (error) {
    throw new Error('The PostgreSQL cluster could not be created', { cause: error })
  } finally {
    await rm(passwordFile, { force: true })
  }
  await rename(draft, cluster)
}

const ownerFor = (runAs: RunAs): { uid: number; gid: number } | undefined => {
  if (runAs.user) return runAs.user
  const valueAfter = (flag: string): number => Number(runAs.command[runAs.command.indexOf(flag) + 1])
  return runAs.command.length > 0 ? { uid: valueAfter('--reuid'), gid: valueAfter('--regid') } : undefined
}

const refuseOtherVersion = async (cluster: string): Promise<void> => {
  const version = (await readFile(path.join(cluster, 'PG_VERSION'), 'utf8')).trim()
  if (version === MAJOR_VERSION) return
  throw new Error(
    `${cluster} was made by PostgreSQL ${version}, this is ${MAJOR_VERSION}: dump it there or start with an empty folder`,
  )
}

/**
 * PostgreSQL refuses to start while the process named in postmaster.pid lives, and after a crash that pid may have been
 * given to anything. We hold the data folder's lock, so only a postmaster on this very cluster counts.
 */
const removeStaleLockFile = async (cluster: string): Promise<void> => {
  const file = path.join(cluster, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number((await readFile(file, 'utf8')).split('\n')[0])
  if (processIdentity(pid) === undefined || !(await commandLine(pid)).includes(cluster))
    await rm(file, { force: true })
}

const commandLine = async (pid: number): Promise<string> => {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // No /proc here: then the file stays, and PostgreSQL decides. Ended meanwhile: it decides rightly.
    return (await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))).stdout
  }
}

/** The backends of a killed postmaster notice within moments; until then their shared memory bars a new one. */
const startWhenOldBackendsAreGone = async (child: Child): Promise<void> => {
  const deadline = Date.now() + 15_000
  for (;;) {
    try {
      return await child.start()
    } catch (error) {
      const isBarred =
        error instanceof ChildStartError && error.logTail.includes('pre-existing shared memory block')
      if (!isBarred || Date.now() > deadline) throw error
      await sleep(100)
    }
  }
}

const answers = async (url: string): Promise<void> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  try {
    await client.connect()
    await client.query('SELECT 1')
  } finally {
    await client.end()
  }
}
