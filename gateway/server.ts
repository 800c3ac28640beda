/** The gateway's HTTP door: who may pass, how often, and where to. */
import replyFrom from '@fastify/reply-from'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { ServiceName } from '#contracts/services.ts'
import type { Probe } from '#platform/health.ts'
import { assertAccess } from '#platform/http/access.ts'
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import type { Logger } from '#platform/logger.ts'
import type { Caller, ServiceTokenSigner } from '#platform/service-token.ts'
import type { Authenticator } from './authenticate.ts'
import { addressBucket } from './client-address.ts'
import { askAbout } from './about.ts'
import type { Forwarder } from './forward.ts'
import { LIMITS, type LimitName } from './limits.ts'
import { documented, swaggerOptions } from './openapi.ts'
import type { RateLimits } from './rate-limits.ts'
import type { ReadEtag } from './read-etag.ts'
import { ROUTES, type RouteRow } from './routes.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { createStreams } from './streams.ts'
import { ClientGoneError } from './upstream.ts'

/** Where services fetch the keys of the gateway's tokens. */
export const SERVICE_KEYS_PATH = '/.well-known/service-jwks.json'

const LOGO = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="170" height="40"><text x="0" y="28" font-family="sans-serif" ' +
    'font-size="26" font-weight="bold" fill="white">⚓ Mainstay</text></svg>',
)

/** A service's health may itself wait two seconds for what is down inside. */
const PROBE_TIMEOUT_MS = 3_000
const CONNECT_TIMEOUT_MS = 2_000

/** Paths that machines of our own ask: a limit reached by strangers must not stop them. */
const UNLIMITED = new Set(['/livez', '/readyz', SERVICE_KEYS_PATH])

/** A service behind the gateway. */
export interface Upstream {
  forward: Forwarder
  readEtag: ReadEtag
}

export interface GatewayParts {
  logger: Logger
  authenticate: Authenticator
  limits: RateLimits
  perMinute: Record<LimitName, number>
  upstreams: Record<ServiceName, Upstream>
  signer: Pick<ServiceTokenSigner, 'publicKeys'>
  probes: Record<string, Probe>
  trustedProxies: string[]
  hstsMaxAgeSeconds?: number | undefined
}

export async function buildGateway(parts: GatewayParts): Promise<HttpServer> {
  const { logger, limits, probes, trustedProxies } = parts
  const app = createHttpServer({ logger, probes, trustedProxies, probeTimeoutMs: PROBE_TIMEOUT_MS })
  addSecurityHeaders(app, parts.hstsMaxAgeSeconds)
  app.addHook('onRequest', async (request, reply) => {
    const url = request.routeOptions.url
    if (url !== undefined && (UNLIMITED.has(url) || isWebhook.has(url))) return
    const { headers, refusal } = await limits.consume('ip', addressBucket(request.ip))
    void reply.headers(headers)
    if (refusal !== undefined) throw refusal
  })
  await app.register(swagger, swaggerOptions)
  await app.register(replyFrom, {
    disableRequestLogging: true,
    destroyAgent: true,
    retryMethods: [],
    undici: { connect: { timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: true } },
  })
  await app.register(async (scope) => addRoutes(scope, parts))
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: false,
    uiConfig: { validatorUrl: null, docExpansion: 'list' },
    logo: { type: 'image/svg+xml', content: LOGO, href: '/docs' },
    theme: { title: 'Mainstay API' },
  })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  app.get(SERVICE_KEYS_PATH, { schema: { hide: true } }, () => parts.signer.publicKeys())
  return app
}

const isWebhook = new Set(
  ROUTES.filter(({ limit }) => limit === 'webhooks').map(({ contract }) => contract.url),
)

/** One explicit route per row. Bodies go through as the bytes they came as; the services validate them. */
function addRoutes(scope: HttpServer, parts: GatewayParts): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  scope.setValidatorCompiler(() => () => true)
  scope.setSerializerCompiler(() => JSON.stringify)
  const streams = createStreams()
  scope.addHook('preClose', (done) => {
    streams.endAll()
    done()
  })
  const passOnFor =
    ({ headers }: FastifyRequest) =>
    (body: Readable) =>
      streams.passOn(body, { assertStillAllowed: () => parts.authenticate(headers.authorization) })
  for (const row of ROUTES) addRoute(scope, row, parts, passOnFor)
}

const callers = new WeakMap<FastifyRequest, Caller>()

function addRoute(
  scope: HttpServer,
  row: RouteRow,
  parts: GatewayParts,
  passOnFor: (request: FastifyRequest) => (body: Readable) => Readable,
): void {
  const { contract, service, limit, bodyLimit, about } = row
  scope.route({
    method: contract.method,
    url: contract.url,
    exposeHeadRoute: contract.stream !== true,
    bodyLimit,
    schema: documented(row, parts.perMinute),
    onRequest: async (request, reply) => {
      const { caller, limitKey } = await parts.authenticate(request.headers.authorization)
      const address = addressBucket(request.ip)
      const key = LIMITS[limit].counts === 'caller' ? (limitKey ?? address) : address
      const { headers, refusal } = await parts.limits.consume(limit, key)
      void reply.headers(headers)
      if (refusal !== undefined) throw refusal
      assertAccess(contract, caller)
      callers.set(request, caller)
    },
    handler: async (request, reply) => {
      const caller = callers.get(request)
      if (caller === undefined) throw new Error('a request passed without its caller')
      const call = { request, reply, caller }
      const passOn = contract.stream === true ? passOnFor(request) : undefined
      try {
        const told = about === undefined ? {} : await askAbout(call, about, parts.upstreams[about.service])
        return await parts.upstreams[service].forward(call, { passOn, ...told })
      } catch (error) {
        if (error instanceof ClientGoneError) return reply.hijack()
        throw error
      }
    },
  })
}
