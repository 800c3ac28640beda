/** The environment of each process of the platform on the local stack, in this process or in one of its own. */
import path from 'node:path'
import { DATABASE_NAMES, SERVICE_NAMES, type Ports, type ServiceName } from '#contracts/services.ts'
import type { Environment } from '#platform/config.ts'
import type { Infrastructure } from './infrastructure.ts'
import type { PlatformKeys } from './platform-keys.ts'

/** The processes of the platform, in the order in which they are started. */
export const PROCESS_NAMES = ['provider', 'carrier', ...SERVICE_NAMES, 'gateway'] as const

export type ProcessName = (typeof PROCESS_NAMES)[number]

/** What a local stack needs to know of its servers; whoever has them can build the environments. */
export type Servers = Pick<
  Infrastructure,
  'databaseUrls' | 'natsCredentials' | 'natsAddress' | 'temporalAddress' | 'temporalNamespace'
>

export interface EnvironmentOptions {
  dataFolder: string
  ports: Ports
  servers: Servers
  keys: PlatformKeys
  /** Settings of single processes, on top of everything else. */
  settingsOf?: Partial<Record<ProcessName, Environment>>
  /** Settings that the caller's own environment gives (SPENDING_LIMIT, CARRIER_DISPATCH_MS, LIMIT_…, LOG_LEVEL). */
  settings?: Environment
}

const HOST = '127.0.0.1'

/**
 * Sensible for one machine and one customer: more than the seed account will spend in a day of trying things out, and a
 * moment between the confirmation and the parcels, in which an order can still be changed.
 */
const LOCAL_DEFAULTS: Environment = { SPENDING_LIMIT: '2500000', AMENDMENT_SECONDS: '3', LOG_LEVEL: 'info' }

export function processEnvironments(options: EnvironmentOptions): Record<ProcessName, Environment> {
  const environments = commonEnvironments(options)
  for (const name of PROCESS_NAMES)
    environments[name] = { ...environments[name], ...options.settingsOf?.[name] }
  return environments
}

function commonEnvironments(options: EnvironmentOptions): Record<ProcessName, Environment> {
  const { dataFolder, ports, keys, settings = {} } = options
  const url = (name: keyof Ports): string => `http://${HOST}:${ports[name]}`
  const adjustable = { ...LOCAL_DEFAULTS, ...settings }
  const urls = Object.fromEntries(SERVICE_NAMES.map((name) => [`${name.toUpperCase()}_URL`, url(name)]))
  const service = (name: ServiceName, own: Environment = {}): Environment => ({
    ...adjustable,
    ...serverVariables(name, options),
    HOST,
    PORT: String(ports[name]),
    INTERNAL_ISSUERS: ['gateway', 'notifications']
      .map(
        (issuer) =>
          `${issuer}=${url(issuer === 'gateway' ? 'gateway' : 'notifications')}/.well-known/service-jwks.json`,
      )
      .join(','),
    ...own,
  })
  const provider = {
    PROVIDER_API_KEY: keys.providerApiKey,
    PROVIDER_WEBHOOK_SECRET: keys.providerWebhookSecret,
  }
  const carrier = { CARRIER_API_KEY: keys.carrierApiKey, CARRIER_WEBHOOK_SECRET: keys.carrierWebhookSecret }
  return {
    provider: {
      ...adjustable,
      ...provider,
      PROVIDER_PORT: String(ports.provider),
      PROVIDER_LEDGER: path.join(dataFolder, 'sandbox', 'provider.jsonl'),
      PROVIDER_WEBHOOK_URL: `${url('gateway')}/api/v1/webhooks/payments/sandbox`,
    },
    carrier: {
      ...adjustable,
      ...carrier,
      CARRIER_PORT: String(ports.carrier),
      CARRIER_LEDGER: path.join(dataFolder, 'sandbox', 'carrier.jsonl'),
      CARRIER_WEBHOOK_URL: `${url('gateway')}/api/v1/webhooks/carriers/sandbox`,
    },
    orders: service('orders'),
    inventory: service('inventory'),
    payments: service('payments', { ...provider, PROVIDER_URL: url('provider') }),
    shipping: service('shipping', { ...carrier, CARRIER_URL: url('carrier') }),
    users: service('users', { KEY_ENCRYPTION_KEY: keys.keyEncryptionKey }),
    notifications: service('notifications', {
      SERVICE_SIGNING_KEY: keys.notificationsSigningKey,
      USERS_URL: url('users'),
      SMTP_URL: `smtp://${HOST}:${ports.smtp}`,
      OPERATIONS_EMAIL: 'operator@mainstay.test',
      SMS_PROVIDER: 'sandbox',
      SMS_URL: url('mailbox'),
      WEBHOOK_MASTER_SECRET: keys.webhookMasterSecret,
      WEBHOOK_ALLOW_LOOPBACK: 'true', // the merchants of this stack are on this machine, and nowhere else
    }),
    gateway: {
      ...adjustable,
      ...serverVariables('gateway', options),
      ...urls,
      HOST,
      PORT: String(ports.gateway),
      SERVICE_SIGNING_KEY: keys.gatewaySigningKey,
    },
  }
}

const isDatabase = (name: string): name is (typeof DATABASE_NAMES)[number] =>
  DATABASE_NAMES.some((database) => database === name)

function serverVariables(name: ServiceName | 'gateway', { servers }: EnvironmentOptions): Environment {
  const nats = servers.natsCredentials[name]
  return {
    NATS_URL: `nats://${servers.natsAddress}`,
    NATS_USER: nats?.user,
    NATS_PASSWORD: nats?.password,
    TEMPORAL_ADDRESS: servers.temporalAddress,
    TEMPORAL_NAMESPACE: servers.temporalNamespace,
    ...(isDatabase(name) ? { DATABASE_URL: servers.databaseUrls[name] } : {}),
  }
}
