/** The HTTP server that every process of the platform stands on: strict validation, problem errors, health, traces. */
import { randomUUID } from 'node:crypto'
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import { checkHealth, type Probe } from '../health.ts'
import type { Logger } from '../logger.ts'
import { ProblemError } from '../problem.ts'
import { continueTrace, enterTrace } from '../trace.ts'
import { compileConverting, compileLiteral } from '../validation.ts'
import { answerClientError } from './client-errors.ts'
import { endConnectionsOnClose } from './connections.ts'
import { drainRefusedBodies } from './drain.ts'
import { keepHttpRules } from './http-rules.ts'
import { answerError, answerWithProblems } from './problems.ts'

const REQUEST_ID = /^[A-Za-z0-9._-]{8,128}$/
const BODY_LIMIT_BYTES = 1_048_576
const REQUEST_TIMEOUT_MS = 30_000
/** How often Node looks for requests that are late: of its own accord only twice a minute. */
const LATE_CHECK_MS = 2_000

export interface HttpServerOptions {
  logger: Logger
  probes: Readonly<Record<string, Probe>>
  bodyLimit?: number
  /** Peers whose X-Forwarded-For is believed: addresses or CIDRs. */
  trustedProxies?: string[]
  /** How long one part may take to say that it is up. */
  probeTimeoutMs?: number
  /** How long a request may take to arrive. */
  requestTimeoutMs?: number
}

export type HttpServer = FastifyInstance

export function createHttpServer({
  logger,
  probes,
  bodyLimit,
  trustedProxies,
  probeTimeoutMs,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
}: HttpServerOptions): HttpServer {
  const baseLogger: FastifyBaseLogger = logger
  const app = Fastify({
    loggerInstance: baseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimit ?? BODY_LIMIT_BYTES,
    trustProxy: trustedProxies ?? false,
    requestTimeout: requestTimeoutMs,
    http: {
      // Node takes the longer of the two for whole requests, and its own for headers is a minute
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: LATE_CHECK_MS,
      requireHostHeader: false, // keepHttpRules asks for it, with a problem
    },
    genReqId: (request) => validRequestId(request.headers['x-request-id']) ?? randomUUID(),
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 200 },
    return503OnClosing: false, // refuseWhileClosing does, with a problem
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => {
      void answerError(error, request, reply)
    },
  })
  app.setValidatorCompiler<TSchema>(({ schema, httpPart }) =>
    httpPart === 'body' ? compileLiteral(schema) : compileConverting(schema),
  )
  app.removeContentTypeParser('text/plain') // Fastify's own; nothing here is
  app.addHook('onRequest', (request, reply, done) => {
    enterTrace(continueTrace(headerText(request.headers['traceparent'])))
    void reply.header('x-request-id', request.id)
    done()
  })
  keepHttpRules(app)
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
  drainRefusedBodies(app)
  answerWithProblems(app)
  registerHealth(app, probes, probeTimeoutMs)
  return app
}

const headerText = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value

const validRequestId = (value: string | string[] | undefined): string | undefined => {
  const text = headerText(value)
  return text !== undefined && REQUEST_ID.test(text) ? text : undefined
}

function registerHealth(app: HttpServer, probes: HttpServerOptions['probes'], probeTimeoutMs?: number): void {
  const isClosing = refuseWhileClosing(app)
  app.get('/livez', () => ({ status: 'alive' }))
  app.get('/readyz', (_request, reply) =>
    isClosing() ? reply.code(503).send({ status: 'stopping' }) : reply.send({ status: 'ready' }),
  )
  app.get('/health', async (_request, reply) => {
    const health = await checkHealth(probes, probeTimeoutMs)
    return reply.code(health.status === 'healthy' ? 200 : 503).send(health)
  })
}

const ANSWERED_WHILE_CLOSING = new Set<string | undefined>(['/livez', '/readyz', '/health'])

/** Requests in flight are finished; those that still come on open connections are to go elsewhere. */
function refuseWhileClosing(app: HttpServer): () => boolean {
  let closing = false
  app.addHook('preClose', (done) => {
    closing = true
    done()
  })
  app.addHook('onRequest', (request, _reply, done) => {
    if (closing && !ANSWERED_WHILE_CLOSING.has(request.routeOptions.url)) {
      done(new ProblemError('unavailable', 'This process is stopping.', { retryAfter: 1 }))
    } else {
      done()
    }
  })
  return () => closing
}
