import { isIP } from 'node:net'
import Type, { type Static } from 'typebox'
import { DEFAULT_PORTS, type ServiceName } from '#contracts/services.ts'
import {
  brokerConfig,
  invalidConfig,
  loadConfig,
  Port,
  processConfig,
  type Environment,
} from '#platform/config.ts'
import { scopeOf } from './limit-scopes.ts'
import { LIMITS, type LimitName } from './limits.ts'

const serviceUrl = (service: ServiceName) =>
  Type.String({
    pattern: '^https?://[^/?#@]+/?$',
    default: `http://127.0.0.1:${DEFAULT_PORTS[service]}`,
    description: `the ${service} service`,
  })

const limit = (name: LimitName) =>
  Type.Integer({
    minimum: 1,
    default: LIMITS[name].perMinute,
    description: `calls a minute: ${scopeOf(name)}`,
  })

export const gatewayConfig = Type.Object({
  ...processConfig,
  PORT: Port(DEFAULT_PORTS.gateway),
  ...brokerConfig,
  ORDERS_URL: serviceUrl('orders'),
  INVENTORY_URL: serviceUrl('inventory'),
  PAYMENTS_URL: serviceUrl('payments'),
  SHIPPING_URL: serviceUrl('shipping'),
  USERS_URL: serviceUrl('users'),
  NOTIFICATIONS_URL: serviceUrl('notifications'),
  SERVICE_SIGNING_KEY: Type.String({
    description: 'private Ed25519 JWK (JSON) that the tokens for the services are signed with',
  }),
  USERS_JWKS_URL: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description: 'keys of the access tokens [USERS_URL/.well-known/jwks.json]',
    }),
  ),
  ACCESS_TOKEN_ISSUER: Type.String({ default: 'mainstay-users', description: 'issuer of the access tokens' }),
  ACCESS_TOKEN_AUDIENCE: Type.String({ default: 'mainstay', description: 'audience of the access tokens' }),
  UPSTREAM_TIMEOUT_MS: Type.Integer({
    minimum: 50,
    maximum: 25_000,
    default: 10_000,
    description: 'how long a service may take to answer',
  }),
  TRUSTED_PROXIES: Type.Optional(
    Type.String({
      description: 'whose X-Forwarded-For is believed: addresses or CIDRs, separated by commas',
    }),
  ),
  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://',
      description: 'counts rate limits across gateways; without it each counts for itself',
    }),
  ),
  HSTS_MAX_AGE_SECONDS: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'sends Strict-Transport-Security; set it where TLS ends before us',
    }),
  ),
  LIMIT_IP_PER_MINUTE: limit('ip'),
  LIMIT_ORDERS_PER_MINUTE: limit('orders'),
  LIMIT_USERS_PER_MINUTE: limit('users'),
  LIMIT_AUTH_PER_MINUTE: limit('auth'),
  LIMIT_API_KEYS_PER_MINUTE: limit('apiKeys'),
  LIMIT_PUBLIC_PER_MINUTE: limit('public'),
  LIMIT_OPERATIONS_PER_MINUTE: limit('operations'),
  LIMIT_SHIPMENTS_PER_MINUTE: limit('shipments'),
  LIMIT_WEBHOOKS_PER_MINUTE: limit('webhooks'),
})

/** Their patterns say which URLs they may be; not all that fits is one. */
const URLS = [
  'ORDERS_URL',
  'INVENTORY_URL',
  'PAYMENTS_URL',
  'SHIPPING_URL',
  'USERS_URL',
  'NOTIFICATIONS_URL',
  'USERS_JWKS_URL',
] as const

export interface GatewayConfig {
  process: Static<typeof gatewayConfig>
  serviceUrls: Record<ServiceName, string>
  jwksUrl: URL
  limits: Record<LimitName, number>
  trustedProxies: string[]
}

/** @throws ConfigError naming every variable that is missing or wrong */
export function loadGatewayConfig(environment: Environment): GatewayConfig {
  const config = loadConfig(gatewayConfig, environment)
  const wrong = URLS.filter((name) => config[name] !== undefined && !URL.canParse(config[name]))
  if (wrong.length > 0) throw invalidConfig(wrong.map((name) => `${name} is no URL`))
  return {
    process: config,
    serviceUrls: {
      orders: origin(config.ORDERS_URL),
      inventory: origin(config.INVENTORY_URL),
      payments: origin(config.PAYMENTS_URL),
      shipping: origin(config.SHIPPING_URL),
      users: origin(config.USERS_URL),
      notifications: origin(config.NOTIFICATIONS_URL),
    },
    jwksUrl: new URL(config.USERS_JWKS_URL ?? `${origin(config.USERS_URL)}/.well-known/jwks.json`),
    limits: {
      ip: config.LIMIT_IP_PER_MINUTE,
      orders: config.LIMIT_ORDERS_PER_MINUTE,
      users: config.LIMIT_USERS_PER_MINUTE,
      auth: config.LIMIT_AUTH_PER_MINUTE,
      apiKeys: config.LIMIT_API_KEYS_PER_MINUTE,
      public: config.LIMIT_PUBLIC_PER_MINUTE,
      operations: config.LIMIT_OPERATIONS_PER_MINUTE,
      shipments: config.LIMIT_SHIPMENTS_PER_MINUTE,
      webhooks: config.LIMIT_WEBHOOKS_PER_MINUTE,
    },
    trustedProxies: parseTrustedProxies(config.TRUSTED_PROXIES),
  }
}

const origin = (url: string): string => url.replace(/\/$/, '')

/** Addresses and networks only: a hop count or "everybody" would let any client choose its own address. */
export function parseTrustedProxies(text: string | undefined): string[] {
  const entries = (text ?? '').split(',').map((entry) => entry.trim())
  return entries
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [address = '', prefix, ...rest] = entry.split('/')
      const bits = prefix === undefined ? 1 : Number(prefix)
      const version = isIP(address)
      const fits = Number.isInteger(bits) && bits >= 1 && bits <= (version === 4 ? 32 : 128)
      if (version === 0 || rest.length > 0 || !fits) {
        throw invalidConfig([`TRUSTED_PROXIES: ${entry} is no address or CIDR`])
      }
      return entry
    })
}
