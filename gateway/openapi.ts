/** The interface as an OpenAPI 3.1 document, made from the same rows that the routes are registered from. */
import type { FastifySchema } from 'fastify'
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { TSchema } from 'typebox'
import { ERRORS } from '#contracts/errors.ts'
import type { Access, RouteContract } from '#contracts/http/route.ts'
import { Health, Problem } from '#contracts/schemas.ts'
import { version } from '#platform/version.ts'
import { limitLabel, LIMITS, type LimitName } from './limits.ts'
import type { RouteRow } from './routes.ts'

const codes = Object.entries(ERRORS)

const codesOf = (status: number): string[] =>
  codes.filter(([, error]) => error.status === status).map(([code]) => code)

const RATE_LIMIT_HEADERS = {
  'RateLimit-Policy': { type: 'string', description: 'the limit: "name";q=calls;w=seconds' },
  RateLimit: { type: 'string', description: 'what is left of it: "name";r=calls;t=seconds' },
  'X-Request-Id': { type: 'string', description: 'finds this call in the logs' },
}

const REPLAYED = {
  'Idempotency-Replayed': {
    type: 'string',
    description: '`true`: this is what the first call with the key got',
  },
}

const IDEMPOTENCY_KEY = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description:
    'One per intent: a repeat with the same key and body gets the first answer again. Kept for 48 h.',
}

const LAST_EVENT_ID = {
  type: 'string',
  description: 'The id of the last event that you have: the stream goes on after it.',
}

/** The schema of a route as the document shows it; the gateway validates nothing by it, the service does. */
export function documented(
  { contract, limit }: RouteRow,
  perMinute: Record<LimitName, number>,
): FastifySchema {
  const { schema } = contract
  const success = Object.entries(schema.response).map(
    ([status, body]) => [status, successOf(body, contract)] as const,
  )
  return {
    summary: contract.summary,
    description: describe(contract, limit, perMinute[limit]),
    tags: [contract.tag],
    security: securityOf(contract),
    ...(schema.params === undefined ? {} : { params: schema.params }),
    ...(schema.querystring === undefined ? {} : { querystring: schema.querystring }),
    ...(schema.body === undefined ? {} : { body: schema.body }),
    headers: headersOf(contract),
    response: Object.fromEntries([
      ...success,
      ...problemStatuses(contract).map((status) => [status, problemOf(status)] as const),
    ]),
  }
}

function successOf(body: TSchema, contract: RouteContract): object {
  const type = contract.stream === true ? 'text/event-stream' : 'application/json'
  const empty = 'type' in body && body.type === 'null'
  return {
    description: 'Success',
    headers: { ...RATE_LIMIT_HEADERS, ...(takesKey(contract) ? REPLAYED : {}) },
    ...(empty ? { type: 'null' } : { content: { [type]: { schema: body } } }),
  }
}

const problemOf = (status: number): object => ({
  description: codesOf(status).join(', '),
  headers: { ...RATE_LIMIT_HEADERS, ...(status === 429 || status >= 502 ? RETRY_AFTER : {}) },
  content: {
    'application/problem+json': {
      schema: {
        ...Problem,
        properties: { ...Problem.properties, code: { type: 'string', enum: codesOf(status) } },
      },
    },
  },
})

const RETRY_AFTER = { 'Retry-After': { type: 'string', description: 'seconds to wait' } }

/** The statuses that a call can fail with, by its shape. */
function problemStatuses({ method, access, schema, url, ifMatch }: RouteContract): number[] {
  const changes = method !== 'GET'
  const named = schema.params !== undefined
  return [
    ...(named || changes || schema.querystring !== undefined ? [400] : []),
    401,
    ...(access === 'anyone' && !url.includes('/products') ? [] : [403]),
    ...(named ? [404] : []),
    ...(changes ? [409] : []),
    ...(ifMatch === undefined ? [] : [412]),
    ...(changes ? [413, 415, 422] : []),
    429,
    500,
    502,
    503,
    504,
  ]
}

function securityOf({ access, scope }: RouteContract): Record<string, string[]>[] {
  const session = { accessToken: [] }
  const options = scope === undefined ? [session] : [session, { apiKey: [scope] }]
  return access === 'anyone' ? [{}, ...options] : options
}

function describe({ access, scope, idempotency }: RouteContract, limit: LimitName, quota: number): string {
  const key = scope === undefined ? 'not with API keys' : `API keys need the scope \`${scope}\``
  const counted = LIMITS[limit].counts === 'caller' ? 'caller' : 'address'
  const limits = `Limit \`${limitLabel(limit)}\`: ${quota} calls a minute per ${counted}.`
  const refusal = idempotency === 'refused' ? ' An `Idempotency-Key` is refused.' : ''
  return `For ${whoMay(access)}; ${key}. ${limits}${refusal}`
}

function whoMay(access: Access): string {
  if (access === 'anyone') return 'anyone'
  if (access === 'signed-in') return 'anyone signed in'
  return access === 'service' ? 'services' : access.join(', ')
}

const takesKey = ({ idempotency }: RouteContract): boolean =>
  idempotency === 'required' || idempotency === 'optional'

function headersOf(contract: RouteContract): object {
  const { idempotency, ifMatch, stream } = contract
  return {
    type: 'object',
    properties: {
      ...(takesKey(contract) ? { 'Idempotency-Key': IDEMPOTENCY_KEY } : {}),
      ...(ifMatch === undefined ? {} : { 'If-Match': ifMatchOf(ifMatch) }),
      ...(stream === true ? { 'Last-Event-ID': LAST_EVENT_ID } : {}),
    },
    required: idempotency === 'required' ? ['Idempotency-Key'] : [],
  }
}

const ifMatchOf = (what: string): object => ({
  type: 'string',
  description: `The ETag of the ${what} as you know it, one as it was given out: 412 when it is another by now.`,
})

const healthAnswer = (description: string) => ({
  description,
  content: { 'application/json': { schema: Health } },
})

const statusAnswer = (description: string) => ({
  description,
  content: { 'application/json': { schema: { type: 'object', properties: { status: { type: 'string' } } } } },
})

const own = (summary: string, responses: object) => ({
  get: { summary, tags: ['health'], security: [], responses },
})

/** What every process answers by itself; registered before the document's plugin can see it. */
const HEALTH_PATHS = {
  '/health': own('How the platform is, part by part', {
    200: healthAnswer('Everything works'),
    503: healthAnswer('Something is down'),
  }),
  '/livez': own('Whether this process runs', { 200: statusAnswer('It does') }),
  '/readyz': own('Whether this process takes requests', {
    200: statusAnswer('It does'),
    503: statusAnswer('It is stopping'),
  }),
}

const codeTable = codes
  .map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`)
  .join('\n')

export const swaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Mainstay',
      version,
      license: { name: 'MIT', identifier: 'MIT' },
      description: `Orders that survive crashes. Sign in at POST /api/v1/auth/login, paste the access token under Authorize,
and try the calls. Errors are RFC 9457 problems with a stable \`code\`.

<details><summary>All error codes</summary>

| code | status | meaning |
| --- | --- | --- |
${codeTable}

</details>`,
    },
    components: {
      securitySchemes: {
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'The access token from POST /api/v1/auth/login; it lives for ten minutes.',
        },
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'msk_…',
          description: 'An API key, for machines. It may do what its scopes and its owner may.',
        },
      },
    },
  },
  transformObject: (document) => {
    if (!('openapiObject' in document)) return document.swaggerObject
    Object.assign(document.openapiObject.paths ?? {}, HEALTH_PATHS)
    return document.openapiObject
  },
} satisfies FastifyDynamicSwaggerOptions
