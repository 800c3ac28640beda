/**
 * Whether a failure says that something around us is away (a database, the broker, Temporal, another service), so that
 * the same work will succeed once it is back; everything else is taken to be the work's own fault.
 */
import { errors as natsErrors } from '@nats-io/transport-node'
import { causesOf } from './causes.ts'
import { BrokerAwayError } from './events/event-bus.ts'
import { isCircuitOpen } from './outbound/breaker.ts'
import { NotSentError } from './outbound/json-client.ts'
import { isTemporalAway } from './temporal/errors.ts'

const NETWORK_CODES = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]
/** Of nodemailer, which hides the system's codes behind its own. */
const MAIL_CODES = ['ECONNECTION', 'ESOCKET', 'EDNS']
/** Of Prisma's typed client: unreachable, timed out, closed, no connection free, deadlock. */
const PRISMA_CODES = ['P1001', 'P1002', 'P1008', 'P1017', 'P2024', 'P2034']
const CODES = new Set([...NETWORK_CODES, ...MAIL_CODES, ...PRISMA_CODES])

/**
 * Classes and codes of PostgreSQL: connection lost (08), no resources (53), shut down or starting (57P), deadlock or
 * serialization (40), a lock not available, a primary that became a standby, and a transaction that was ended because
 * this process stood still in it (25P03).
 * https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const SQLSTATE = /^(08|53|57P|40)...?$|^55P03$|^25006$|^25P03$/

/** What the PostgreSQL driver and its pool say where they give no code; the first is no answer within `query_timeout`. */
const DRIVER_MESSAGE =
  /^(Query read timeout|Connection terminated|timeout exceeded when trying to connect|Client (was closed|has encountered a connection error))/

const NATS_ERRORS = [
  BrokerAwayError,
  natsErrors.ClosedConnectionError,
  natsErrors.ConnectionError,
  natsErrors.DrainingConnectionError,
  natsErrors.NoRespondersError,
  natsErrors.TimeoutError,
]

export const isOutage = (error: unknown): boolean =>
  isTemporalAway(error) ||
  causesOf(error).some(
    (each) => isAway(each) || (each instanceof AggregateError && each.errors.some(isOutage)),
  )

const isAway = (error: Error): boolean =>
  error instanceof NotSentError ||
  NATS_ERRORS.some((kind) => error instanceof kind) ||
  isCircuitOpen(error) ||
  DRIVER_MESSAGE.test(error.message) ||
  codesOf(error).some((code) => CODES.has(code) || SQLSTATE.test(code))

/** Its own code, and the one that Prisma's adapter had from PostgreSQL. */
function codesOf(error: Error): string[] {
  const codes: unknown[] = ['code' in error ? error.code : undefined]
  if ('meta' in error) codes.push(...adapterCodes(error.meta))
  return codes.filter((code) => typeof code === 'string')
}

function adapterCodes(meta: unknown): unknown[] {
  const cause = field(field(meta, 'driverAdapterError'), 'cause')
  const kind = field(cause, 'kind')
  return [field(cause, 'originalCode'), ADAPTER_KINDS.has(kind) ? 'P1001' : undefined]
}

const ADAPTER_KINDS = new Set<unknown>([
  'DatabaseNotReachable',
  'ConnectionClosed',
  'SocketTimeout',
  'TooManyConnections',
])

const field = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined
