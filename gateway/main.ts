/** The gateway: the one public door of the platform. This file composes it; `server.ts` is the door. */
import { SERVICE_NAMES, type ServiceName } from '#contracts/services.ts'
import type { Environment } from '#platform/config.ts'
import { createEventBus } from '#platform/events/event-bus.ts'
import type { Probe } from '#platform/health.ts'
import { createLifecycle, runProcess, type Stoppable } from '#platform/lifecycle.ts'
import { createLogger, type Logger } from '#platform/logger.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import { createJsonClient } from '#platform/outbound/json-client.ts'
import { createServiceTokenSigner, type ServiceTokenSigner } from '#platform/service-token.ts'
import { listen } from '#platform/service.ts'
import { createAccessTokenVerifier, followSigningKeys } from './access-token.ts'
import { createApiKeys } from './api-keys.ts'
import { createAuthenticator } from './authenticate.ts'
import { gatewayConfig, loadGatewayConfig, type GatewayConfig } from './config.ts'
import { createForwarder } from './forward.ts'
import { createRateLimits } from './rate-limits.ts'
import { createReadEtag } from './read-etag.ts'
import { followRevocations } from './revocation-feed.ts'
import { createRevocations } from './revocations.ts'
import { buildGateway, type Upstream } from './server.ts'
import { probeService } from './service-health.ts'
import { ClientGoneError } from './upstream.ts'

/** How long the start waits for the revocations that were announced before it. */
const CATCH_UP_MS = 2_000
const API_KEY_TIMEOUT_MS = 3_000

export interface RunningGateway extends Stoppable {
  /** `http://127.0.0.1:8080` */
  url: string
}

export async function startGateway(
  environment: Environment,
  shared: { logger?: Logger } = {},
): Promise<RunningGateway> {
  const config = loadGatewayConfig(environment)
  const { HOST, PORT, LOG_LEVEL, SERVICE_SIGNING_KEY } = config.process
  const signer = await createServiceTokenSigner('gateway', SERVICE_SIGNING_KEY)
  const logger =
    shared.logger?.child({ service: 'gateway' }) ?? createLogger({ service: 'gateway', level: LOG_LEVEL })
  const lifecycle = createLifecycle(logger)
  try {
    const { authenticate, broker } = await startAuthentication(config, signer, logger, lifecycle)
    const limits = createRateLimits({ perMinute: config.limits, redisUrl: config.process.REDIS_URL, logger })
    lifecycle.onStop('rate limits', () => limits.stop())
    const app = await buildGateway({
      logger,
      authenticate,
      limits,
      perMinute: config.limits,
      upstreams: createUpstreams(config, signer, logger),
      signer,
      probes: {
        broker,
        ...(limits.probe === undefined ? {} : { cache: limits.probe }),
        ...serviceProbes(config.serviceUrls),
      },
      trustedProxies: config.trustedProxies,
      hstsMaxAgeSeconds: config.process.HSTS_MAX_AGE_SECONDS,
    })
    const url = await listen(app, { name: 'gateway', host: HOST, port: PORT })
    lifecycle.onStop('http', () => app.close())
    logger.info({ url }, 'gateway is up')
    return { url, stop: () => lifecycle.stop() }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

type Lifecycle = ReturnType<typeof createLifecycle>

async function startAuthentication(
  config: GatewayConfig,
  signer: ServiceTokenSigner,
  logger: Logger,
  lifecycle: Lifecycle,
) {
  const { NATS_URL, NATS_USER, NATS_PASSWORD, ACCESS_TOKEN_ISSUER, ACCESS_TOKEN_AUDIENCE } = config.process
  const bus = createEventBus({
    url: NATS_URL,
    user: NATS_USER,
    password: NATS_PASSWORD,
    name: 'gateway',
    logger,
  })
  lifecycle.onStop('broker', () => bus.close())
  const keys = followSigningKeys(config.jwksUrl, logger)
  lifecycle.onStop('signing keys', async () => keys.stop())
  const breaker = createBreaker({ name: 'users (API keys)', timeoutMs: API_KEY_TIMEOUT_MS, logger })
  const apiKeys = createApiKeys({
    client: createJsonClient({ baseUrl: config.serviceUrls.users, breaker }),
    signer,
  })
  const revocations = createRevocations((userId) => apiKeys.forget(userId))
  const feed = followRevocations({ bus, revocations, logger })
  lifecycle.onStop('revocations', () => feed.stop())
  await Promise.race([feed.caughtUp, new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS))])
  const verifyAccessToken = createAccessTokenVerifier({
    keys,
    issuer: ACCESS_TOKEN_ISSUER,
    audience: ACCESS_TOKEN_AUDIENCE,
  })
  return {
    authenticate: createAuthenticator({ verifyAccessToken, revocations, apiKeys }),
    broker: () => bus.probe(),
  }
}

function createUpstreams(
  { serviceUrls, process }: GatewayConfig,
  signer: ServiceTokenSigner,
  logger: Logger,
): Record<ServiceName, Upstream> {
  const timeoutMs = process.UPSTREAM_TIMEOUT_MS
  const upstream = (service: ServiceName): Upstream => {
    const counts = (error: unknown) => !(error instanceof ClientGoneError)
    const breaker = createBreaker({ name: service, timeoutMs, logger, counts })
    const options = { service, url: serviceUrls[service], signer, breaker, timeoutMs }
    return { forward: createForwarder(options), readEtag: createReadEtag(options) }
  }
  return {
    orders: upstream('orders'),
    inventory: upstream('inventory'),
    payments: upstream('payments'),
    shipping: upstream('shipping'),
    users: upstream('users'),
    notifications: upstream('notifications'),
  }
}

const serviceProbes = (urls: Record<ServiceName, string>): Record<string, Probe> =>
  Object.fromEntries(SERVICE_NAMES.map((service) => [service, probeService(service, urls[service])]))

if (import.meta.main) {
  await runProcess({ title: 'The gateway', config: gatewayConfig, start: () => startGateway(process.env) })
}
