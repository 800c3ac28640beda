/** A gateway with small real services behind it, for tests: they record what reaches them and answer what they are told. */
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { exportJWK, generateKeyPair, SignJWT, type JWK } from 'jose'
import { SERVICE_NAMES, type ServiceName } from '#contracts/services.ts'
import { createLogger } from '#platform/logger.ts'
import { generateSigningKey } from '#platform/service-token.ts'
import { startGateway, type RunningGateway } from '../main.ts'

export interface Recorded {
  method: string
  url: string
  headers: FastifyRequest['headers']
  body: Buffer
}

export interface FakeService {
  url: string
  /** Requests except those for health and keys. */
  requests: Recorded[]
  /** What it answers from now on; by default 200 and `{}`. */
  answer: (request: FastifyRequest, reply: FastifyReply) => unknown
  health: {
    status: 'healthy' | 'degraded'
    checks: Record<string, { status: 'up' | 'down'; latencyMs: number }>
  }
  stop(): Promise<void>
}

export async function startFakeService(port = 0, keys: JWK[] = []): Promise<FakeService> {
  const app = Fastify({ forceCloseConnections: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const service: FakeService = {
    url: '',
    requests: [],
    answer: () => ({}),
    health: { status: 'healthy', checks: {} },
    stop: () => app.close(),
  }
  app.get('/health', (_request, reply) =>
    reply
      .code(service.health.status === 'healthy' ? 200 : 503)
      .send({ version: '0', uptime: 1, ...service.health }),
  )
  app.get('/keys', () => ({ keys }))
  app.all('*', async (request, reply) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    service.requests.push({ method: request.method, url: request.url, headers: request.headers, body })
    return service.answer(request, reply)
  })
  await app.listen({ host: '127.0.0.1', port })
  const address: AddressInfo | string | null = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('the fake service has no port')
  service.url = `http://127.0.0.1:${address.port}`
  return service
}

export interface TokenOptions {
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  issuer?: string
  audience?: string
  /** Seconds since 1970. */
  issuedAt?: number
  lifetimeSeconds?: number
}

export interface TokenIssuer {
  publicKey: JWK
  sign(userId: string, roles: string[], options?: TokenOptions): Promise<string>
}

/** Issues access tokens like the users service does. */
export async function createTokenIssuer(): Promise<TokenIssuer> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const kid = randomUUID()
  return {
    publicKey: { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' },
    async sign(userId, roles, options = {}) {
      const issuedAt = options.issuedAt ?? Math.floor(Date.now() / 1_000)
      return new SignJWT({
        roles,
        sid: randomUUID(),
        jti: randomUUID(),
        iat_ms: Date.now(),
        ...options.claims,
      })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...options.header })
        .setSubject(userId)
        .setIssuer(options.issuer ?? 'mainstay-users')
        .setAudience(options.audience ?? 'mainstay')
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + (options.lifetimeSeconds ?? 600))
        .sign(privateKey)
    },
  }
}

export interface TestGateway {
  url: string
  services: Record<ServiceName, FakeService>
  issuer: TokenIssuer
  /** `Bearer …` of a signed-in user with these roles. */
  bearer(roles: string[], userId?: string): Promise<string>
  stop(): Promise<void>
}

export interface TestGatewayOptions {
  nats: { url: string; user: string; password: string }
  environment?: Record<string, string>
}

/** Starts a gateway on a free port, six fake services and a token issuer whose keys the users service publishes. */
export async function startTestGateway({ nats, environment = {} }: TestGatewayOptions): Promise<TestGateway> {
  const issuer = await createTokenIssuer()
  const start = () => startFakeService(0, [issuer.publicKey])
  const services: Record<ServiceName, FakeService> = {
    orders: await start(),
    inventory: await start(),
    payments: await start(),
    shipping: await start(),
    users: await start(),
    notifications: await start(),
  }
  const urls = Object.fromEntries(
    SERVICE_NAMES.map((name) => [`${name.toUpperCase()}_URL`, services[name].url]),
  )
  const gateway: RunningGateway = await startGateway(
    {
      ...urls,
      PORT: '0',
      USERS_JWKS_URL: `${services.users.url}/keys`,
      SERVICE_SIGNING_KEY: await generateSigningKey(),
      NATS_URL: nats.url,
      NATS_USER: nats.user,
      NATS_PASSWORD: nats.password,
      LIMIT_IP_PER_MINUTE: '100000',
      ...environment,
    },
    { logger: createLogger({ service: 'gateway', level: 'silent' }) },
  )
  return {
    url: gateway.url,
    services,
    issuer,
    bearer: async (roles, userId = randomUUID()) => `Bearer ${await issuer.sign(userId, roles)}`,
    async stop() {
      await gateway.stop()
      await Promise.all(Object.values(services).map((service) => service.stop()))
    },
  }
}

/** The broker of the unit tests, as the harness takes it. */
export const natsOf = ({ natsUrl, nats }: { natsUrl: string; nats: { user: string; password: string } }) => ({
  url: natsUrl,
  ...nats,
})

/** Makes the fake services forget what they received and were told to answer. */
export function resetServices(gateway: TestGateway): void {
  for (const service of Object.values(gateway.services)) {
    service.requests.length = 0
    service.answer = () => ({})
    service.health = { status: 'healthy', checks: {} }
  }
}
