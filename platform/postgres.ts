/**
 * Raw SQL straight through the PostgreSQL driver, on the pool that the service's Prisma client uses too. What Prisma
 * puts around a raw statement costs more than the statement (docs/adr/0014-raw-sql-through-the-driver.md); statements
 * here are prepared once per connection, and those issued together travel together. Values come back as Prisma would
 * hand them over: bigint, Decimal, UTC dates, parsed JSON.
 */
import { PrismaPg } from '@prisma/adapter-pg'
import { Decimal, Sql as Fragment } from '@prisma/client/runtime/client'
import { DatabaseError, Pool, types, type PoolClient, type QueryResult, type QueryResultRow } from 'pg'
import type { Database, Sql, SqlFragment } from './database.ts'

/** Waiting longer for a connection, or for one statement, than for the client's patience helps nobody. */
const CONNECT_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 15_000
/** A new connection costs both sides more than all statements of an order: a password's derivation and a process. */
const IDLE_TIMEOUT_MS = 60_000

export interface Postgres {
  /** For `new PrismaClient({ adapter })`: the schema's owner, and the typed client for what is not hot. */
  adapter: PrismaPg
  /** Takes the place of the Prisma client's own raw SQL: `Object.assign(new PrismaClient({ adapter }), sql)`. */
  sql: Database
}

/** What a service's database is: Prisma's typed client, its raw SQL and its transactions through the driver. */
export type WithSql<Client> = Omit<Client, keyof Database> & Database

/**
 * Opens a pool of at most `max` connections.
 *
 * @example
 * const { adapter, sql } = openPostgres(connectionString, max)
 * return Object.assign(new PrismaClient({ adapter }), sql)
 */
export function openPostgres(connectionString: string, max: number): Postgres {
  const pool = new Pool({
    connectionString,
    max,
    pipeline: true,
    types: { getTypeParser },
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
  })
  // a lost connection fails its statements; without a listener it would end the process as well
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', () => {})
  return {
    adapter: new PrismaPg(pool),
    sql: {
      ...sqlOver((query, values) => onOneConnection(pool, (client) => send(client, query, values))),
      $transaction: (work) => onOneConnection(pool, (client) => transaction(client, work)),
      $disconnect: () => pool.end(),
    },
  }
}

type Query = TemplateStringsArray | SqlFragment

const sqlOver = (run: (query: Query, values: unknown[]) => Promise<QueryResult<QueryResultRow>>): Sql => ({
  async $queryRaw<T>(query: Query, ...values: unknown[]) {
    const { rows } = await run(query, values)
    // the caller says what its statement selects, as with Prisma's
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return rows as T
  },
  async $executeRaw(query, ...values) {
    const { rowCount } = await run(query, values)
    return rowCount ?? 0
  },
})

async function onOneConnection<R>(pool: Pool, work: (client: PoolClient) => Promise<R>): Promise<R> {
  const client = await pool.connect()
  let failure: unknown
  try {
    return await work(client)
  } catch (error) {
    failure = error
    throw error
  } finally {
    client.release(isFitForReuse(client, failure) ? undefined : true)
  }
}

/** A prepared statement whose result a migration has changed; only a new connection prepares it anew. */
const FEATURE_NOT_SUPPORTED = '0A000'

/** A refused statement leaves its connection as it was; a transaction left open does not. Broken ones the pool knows. */
const isFitForReuse = (client: PoolClient, failure: unknown): boolean =>
  client.getTransactionStatus() === 'I' &&
  !(failure instanceof DatabaseError && failure.code === FEATURE_NOT_SUPPORTED)

/** `BEGIN` does not wait for an answer: it travels with the first statement. */
async function transaction<R>(client: PoolClient, work: (tx: Sql) => Promise<R>): Promise<R> {
  gatherWrites(client)
  const begun = client.query('BEGIN')
  begun.catch(() => {}) // awaited below, when the work has not failed for the same reason
  let result: R
  try {
    result = await work(sqlOver((query, values) => send(client, query, values)))
    await begun
  } catch (error) {
    // what cannot be rolled back is: the connection is not used again
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
  const { command } = await client.query('COMMIT')
  // PostgreSQL answers a COMMIT of what has failed with ROLLBACK, and no error
  if (command !== 'COMMIT') throw new Error('the transaction was rolled back: a statement of it had failed')
  return result
}

/** What is sent in one turn of the event loop leaves in one write. */
function gatherWrites(client: PoolClient): void {
  const { stream } = client.connection
  if (stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}

function send(client: PoolClient, query: Query, values: unknown[]): Promise<QueryResult<QueryResultRow>> {
  gatherWrites(client)
  if (!isTemplate(query)) return client.query({ text: query.text, values: query.values.map(toParameter) })
  if (values.some((value) => value instanceof Fragment)) {
    const whole = new Fragment(query, values)
    return client.query({ text: whole.text, values: whole.values.map(toParameter) })
  }
  return client.query({ ...statementOf(query), values: values.map(toParameter) })
}

const isTemplate = (query: Query): query is TemplateStringsArray => Array.isArray(query)

/** A template's strings are the same object at each call: each place in the code is one prepared statement. */
const statements = new WeakMap<TemplateStringsArray, { name: string; text: string }>()
let prepared = 0

function statementOf(template: TemplateStringsArray): { name: string; text: string } {
  const known = statements.get(template)
  if (known !== undefined) return known
  const text = template.reduce((sql, part, index) => `${sql}$${index}${part}`)
  const statement = { name: `s${++prepared}`, text }
  statements.set(template, statement)
  return statement
}

/** The driver writes a date in the process's own zone, which a column without one would keep. */
const toParameter = (value: unknown): unknown => (value instanceof Date ? value.toISOString() : value)

const INT8 = 20
const INT8_ARRAY = 1016
const NUMERIC = 1700
const DATE = 1082
const TIMESTAMP = 1114

const bigints = (text: string): (bigint | null)[] =>
  text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((entry) => (entry === 'NULL' ? null : BigInt(entry)))

const PARSERS = new Map<number, (text: string) => unknown>([
  [INT8, BigInt],
  [INT8_ARRAY, bigints],
  [NUMERIC, (text) => new Decimal(text)],
  [DATE, (text) => new Date(`${text}T00:00:00Z`)],
  [TIMESTAMP, (text) => new Date(`${text.replace(' ', 'T')}Z`)],
])

const getTypeParser: typeof types.getTypeParser = (oid, format) => {
  const usual: unknown = types.getTypeParser(oid, format)
  return PARSERS.get(oid) ?? usual
}
