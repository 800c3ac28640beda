/** The HTTP server that every process of the platform stands on: strict validation, problem errors, health, traces. */
import { randomUUID } from 'node:crypto'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyRequest,
} from 'fastify'
import { checkHealth, type Probe } from '../health.ts'
import type { Logger } from '../logger.ts'
import { ProblemError } from '../problem.ts'
import { continueTrace, enterTrace } from '../trace.ts'
import { compileConverting, compileLiteral, fieldErrors } from '../validation.ts'
import { endConnectionsOnClose } from './connections.ts'

const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/
const BODY_LIMIT_BYTES = 1_048_576

export interface HttpServerOptions {
  logger: Logger
  probes: Readonly<Record<string, Probe>>
  bodyLimit?: number
  /** Peers whose X-Forwarded-For is believed: addresses or CIDRs. */
  trustedProxies?: string[]
  /** How long one part may take to say that it is up. */
  probeTimeoutMs?: number
}

export type HttpServer = FastifyInstance

export function createHttpServer({
  logger,
  probes,
  bodyLimit,
  trustedProxies,
  probeTimeoutMs,
}: HttpServerOptions): HttpServer {
  const baseLogger: FastifyBaseLogger = logger
  const app = Fastify({
    loggerInstance: baseLogger,
    disableRequestLogging: true,
    bodyLimit: bodyLimit ?? BODY_LIMIT_BYTES,
    trustProxy: trustedProxies ?? false,
    requestTimeout: 30_000,
    genReqId: (request) => validRequestId(request.headers['x-request-id']) ?? randomUUID(),
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 200 },
    return503OnClosing: true,
  })
  app.setValidatorCompiler(({ schema, httpPart }) =>
    httpPart === 'body' ? compileLiteral(asSchema(schema)) : compileConverting(asSchema(schema)),
  )
  app.addHook('onRequest', (request, reply, done) => {
    enterTrace(continueTrace(headerText(request.headers['traceparent'])))
    void reply.header('x-request-id', request.id)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    request.log.debug(
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    )
    done()
  })
  endConnectionsOnClose(app)
  answerWithProblems(app)
  registerHealth(app, probes, probeTimeoutMs)
  return app
}

/** Schemas reach the compiler untyped; they come from contracts only. */
const asSchema = (schema: unknown) => schema as Parameters<typeof compileLiteral>[0]

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value

const validRequestId = (value: string | string[] | undefined): string | undefined => {
  const text = headerText(value)
  return text !== undefined && REQUEST_ID.test(text) ? text : undefined
}

function answerWithProblems(app: HttpServer): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) {
      request.log.error(
        { err: error, requestId: request.id, route: request.routeOptions.url },
        problem.message,
      )
    }
    if (problem.retryAfter !== undefined) void reply.header('retry-after', String(problem.retryAfter))
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer')
    return reply
      .code(problem.status)
      .type('application/problem+json')
      .serializer(JSON.stringify)
      .send(problem.toBody(pathOf(request), request.id))
  })
  app.setNotFoundHandler((request, reply) => {
    const methods = app.supportedMethods.filter(
      (method) => method !== 'OPTIONS' && app.findRoute({ method, url: pathOf(request) }) !== null,
    )
    const problem =
      methods.length > 0
        ? new ProblemError('method_not_allowed', `Use ${methods.join(', ')}.`)
        : new ProblemError('not_found', 'There is nothing at this path.')
    if (methods.length > 0) void reply.header('allow', methods.join(', '))
    return reply
      .code(problem.status)
      .type('application/problem+json')
      .serializer(JSON.stringify)
      .send(problem.toBody(pathOf(request), request.id))
  })
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? ''

/** Fastify's own errors by code, everything unexpected as `internal` without its message. */
export function toProblem(error: FastifyError | ProblemError): ProblemError {
  if (error instanceof ProblemError) return error
  if (error.validation !== undefined) {
    const errors = fieldErrors(error.validation as Parameters<typeof fieldErrors>[0])
    const where = error.validationContext ?? 'request'
    return new ProblemError('validation_failed', `The ${where} is not valid: ${describe(errors)}.`, {
      errors,
    })
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ProblemError('body_too_large', 'The body is larger than this call takes.', { cause: error })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ProblemError('unsupported_media_type', 'Send the body as application/json.', {
        cause: error,
      })
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ProblemError('malformed_json', 'The body cannot be read as JSON.', { cause: error })
    case 'FST_ERR_BAD_URL':
      return new ProblemError('validation_failed', 'The path is not a valid URL.', { cause: error })
  }
  if (error instanceof SyntaxError || error.statusCode === 400) {
    return new ProblemError('malformed_json', 'The request cannot be read.', { cause: error })
  }
  if (error.statusCode === 503)
    return new ProblemError('unavailable', 'This process is stopping.', { cause: error, retryAfter: 1 })
  return new ProblemError('internal', 'Something went wrong; the request id finds it in the logs.', {
    cause: error,
  })
}

const describe = (errors: { path: string; message: string }[]): string =>
  errors
    .slice(0, 3)
    .map(({ path, message }) => `${path} ${message}`.trim())
    .join('; ')

function registerHealth(app: HttpServer, probes: HttpServerOptions['probes'], probeTimeoutMs?: number): void {
  let closing = false
  app.addHook('preClose', (done) => {
    closing = true
    done()
  })
  app.get('/livez', () => ({ status: 'alive' }))
  app.get('/readyz', (_request, reply) =>
    closing ? reply.code(503).send({ status: 'stopping' }) : reply.send({ status: 'ready' }),
  )
  app.get('/health', async (_request, reply) => {
    const health = await checkHealth(probes, probeTimeoutMs)
    return reply.code(health.status === 'healthy' ? 200 : 503).send(health)
  })
}
