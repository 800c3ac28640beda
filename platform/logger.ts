/** JSON logs with trace ids, pretty on a terminal; secrets and personal data never get in. */
import pino, { type Logger } from 'pino'
import { currentTrace } from './trace.ts'

export type { Logger }

const SECRET_FIELDS = [
  'password',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  'apiKey',
  'signature',
  'authorization',
  'cookie',
  '["set-cookie"]',
  '["x-api-key"]',
  'DATABASE_URL',
  'PAYLOAD_KEYS',
  'SERVICE_SIGNING_KEY',
  'email',
  'name',
  'phone',
  'shippingAddress',
  'shipping_address',
  'address',
  'line1',
  'line2',
  'postalCode',
]

/** PostgreSQL quotes the row that a constraint refused. */
const ROW_IN_DATABASE_ERROR = ['err.detail', 'err.meta.driverAdapterError.cause.detail']

/** Redacted wherever they stand, up to three levels down. */
const redactPaths = ['', '*', '*.*', '*.*.*'].flatMap((above) =>
  SECRET_FIELDS.map((field) => (above === '' || field.startsWith('[') ? above + field : `${above}.${field}`)),
)

export interface LoggerOptions {
  /** Absent for a logger that several services share: each names itself in a child of it. */
  service?: string
  level?: string
  /** Where lines go; the default is standard output, pretty when that is a terminal. */
  destination?: pino.DestinationStream
}

export function createLogger({ service, level = 'info', destination }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: service === undefined ? {} : { service },
    redact: { paths: [...redactPaths, ...ROW_IN_DATABASE_ERROR], censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin: () => {
      const trace = currentTrace()
      return trace === undefined ? {} : { traceId: trace.traceId }
    },
  }
  if (destination !== undefined) return pino(options, destination)
  if (!process.stdout.isTTY) return pino(options)
  return pino({ ...options, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } })
}
