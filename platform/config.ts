/** Configuration: one schema per process, read from the environment once, at start. */
import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { compileConverting, fieldErrors, type FieldError } from './validation.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** @param findings one for each variable, which it names first; none may show a value that is a secret */
export const invalidConfig = (findings: readonly string[]): ConfigError =>
  new ConfigError(`The configuration is not valid:\n${findings.map((finding) => `  ${finding}`).join('\n')}`)

/** Neither says anything without the other: half of a pair would be left out of a connection, and nobody told. */
const PAIRS = [
  ['NATS_USER', 'NATS_PASSWORD'],
  ['TEMPORAL_TLS_CERT', 'TEMPORAL_TLS_KEY'],
] as const

/**
 * Reads the variables that `schema` names; everything else in the environment is ignored.
 *
 * @throws ConfigError naming every variable that is missing or wrong, or is half of a pair, with its description.
 */
export function loadConfig<S extends TObject>(schema: S, environment: Environment): Static<S> {
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(schema.properties)) {
    const value = environment[name]
    if (value !== undefined && value !== '') values[name] = value
  }
  const alone = findHalves(schema, values)
  const validate = compileConverting(schema)
  if (validate(values) && alone.length === 0) return values
  const findings = [...fieldErrors(validate.errors), ...alone].map(({ path, message }) => {
    const description = describe(schema.properties[path])
    return `${path} ${message}${description === '' ? '' : ` (${description})`}`
  })
  throw invalidConfig(findings)
}

/** What is missing of a pair of which the schema has both and the environment one. */
const findHalves = (schema: TObject, values: Readonly<Record<string, unknown>>): FieldError[] =>
  PAIRS.flatMap(([one, other]) => {
    if (!(one in schema.properties && other in schema.properties)) return []
    if (one in values === other in values) return []
    const [missing, present] = one in values ? [other, one] : [one, other]
    return [{ path: missing, message: `is required, because ${present} is set` }]
  })

/** The variables of a schema as text, for `--help`. */
export function describeConfig(schema: TObject): string {
  return Object.entries(schema.properties)
    .map(([name, property]) => {
      const fallback =
        'default' in property ? ` [${JSON.stringify(property.default).replaceAll('"', '')}]` : ''
      return `  ${name.padEnd(28)} ${describe(property)}${fallback}`
    })
    .join('\n')
}

function describe(schema: TSchema | undefined): string {
  return schema !== undefined && 'description' in schema ? String(schema.description) : ''
}

export const Port = (fallback: number) =>
  Type.Integer({ minimum: 0, maximum: 65535, default: fallback, description: 'port to listen on' })

/** What every process of the platform takes. */
export const processConfig = {
  HOST: Type.String({ default: '127.0.0.1', description: 'address to listen on' }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'least level that is logged',
  }),
}

/** Services verify the tokens of those who call them. */
export const callerConfig = {
  INTERNAL_ISSUERS: Type.String({
    description: 'who may call: name=jwksUrl, separated by commas',
    pattern: '^[a-z]+=https?://[^,]+(,[a-z]+=https?://[^,]+)*$',
  }),
}

export const databaseConfig = {
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    description: "this service's own PostgreSQL database",
  }),
  DATABASE_POOL: Type.Integer({ minimum: 1, default: 10, description: 'connections at the most' }),
  OUTBOX_POLL_MS: Type.Integer({
    minimum: 5,
    default: 50,
    description: 'how often the relay looks for events that others left; an eighth as often when it is quiet',
  }),
}

export const brokerConfig = {
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222', description: 'NATS server' }),
  NATS_USER: Type.Optional(Type.String({ description: 'NATS user' })),
  NATS_PASSWORD: Type.Optional(Type.String({ description: 'NATS password' })),
}

export const temporalConfig = {
  TEMPORAL_ADDRESS: Type.String({ default: '127.0.0.1:7233', description: 'Temporal frontend' }),
  TEMPORAL_NAMESPACE: Type.String({ default: 'default', description: 'Temporal namespace' }),
  TEMPORAL_TLS_CA: Type.Optional(Type.String({ description: 'file: CA of the Temporal server' })),
  TEMPORAL_TLS_CERT: Type.Optional(Type.String({ description: 'file: client certificate for mTLS' })),
  TEMPORAL_TLS_KEY: Type.Optional(Type.String({ description: 'file: client key for mTLS' })),
  PAYLOAD_KEYS: Type.Optional(
    Type.String({
      description: 'encrypts payloads: keyId=base64 of 32 bytes, separated by commas; the first one encrypts',
      pattern: '^[A-Za-z0-9_-]+=[A-Za-z0-9+/=]{44}(,[A-Za-z0-9_-]+=[A-Za-z0-9+/=]{44})*$',
    }),
  ),
  WORKFLOW_BUNDLE: Type.Optional(
    Type.String({ description: 'folder: workflow bundles built ahead (npm run bundle)' }),
  ),
}

/** Which doors of a service this process opens. */
export const rolesConfig = {
  ROLES: Type.String({
    default: 'http,worker',
    pattern: '^(http|worker)(,(http|worker))?$',
    description: 'doors to open: http, worker or both',
  }),
}
