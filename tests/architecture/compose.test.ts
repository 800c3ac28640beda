import { readFile } from 'node:fs/promises'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { DATABASE_NAMES, SERVICE_NAMES } from '#contracts/services.ts'
import { gatewayConfig } from '#gateway/config.ts'
import { loadConfig, type Environment } from '#platform/config.ts'
import { carrierConfig } from '#sandbox/carrier/config.ts'
import { providerConfig } from '#sandbox/provider/config.ts'
import { inventoryConfig } from '#services/inventory/config.ts'
import { notificationsConfig } from '#services/notifications/config.ts'
import { ordersConfig } from '#services/orders/config.ts'
import { paymentsConfig } from '#services/payments/config.ts'
import { sandboxConfig } from '#services/payments/providers/sandbox/config.ts'
import { shippingConfig } from '#services/shipping/config.ts'
import { usersConfig } from '#services/users/config.ts'
import { GATEWAY_PERMISSIONS, servicePermissions } from '#stack/nats-config.ts'

type Container = {
  image: string
  command?: string[]
  environment?: Record<string, string>
  ports?: string[]
  profiles?: string[]
  restart?: string
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
}

const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

const text = await read('docker-compose.yml')
const compose: { services: Record<string, Container>; volumes: Record<string, null> } = parse(text, {
  merge: true,
})
const containers = Object.entries(compose.services)
const dependencies = containers.flatMap(([name, { depends_on = {} }]) =>
  Object.entries(depends_on).map(([target, { condition }]) => ({ name, target, condition })),
)
const isJob = (name: string) =>
  dependencies.some((each) => each.target === name && each.condition.endsWith('successfully'))

/** Configurations by container, as each process reads its own. */
const SCHEMAS = {
  orders: ordersConfig,
  inventory: inventoryConfig,
  payments: Type.Object({ ...paymentsConfig.properties, ...sandboxConfig.properties }),
  shipping: shippingConfig,
  users: usersConfig,
  notifications: notificationsConfig,
  gateway: gatewayConfig,
  provider: providerConfig,
  carrier: carrierConfig,
}
const CONFIGURATIONS = Object.fromEntries(
  Object.entries(SCHEMAS).map(([name, schema]) => [
    name,
    (values: Environment) => loadConfig(schema, values),
  ]),
)
/** PORT is what the health check of the sandboxes asks. */
const KNOWN: Record<string, string[]> = Object.fromEntries(
  Object.entries(SCHEMAS).map(([name, schema]) => [name, [...Object.keys(schema.properties), 'PORT']]),
)

/** What a variable holds once .env is filled in. */
function filledIn(key: string, value: string): string {
  if (key === 'KEY_ENCRYPTION_KEY') return Buffer.alloc(32).toString('base64')
  if (key.endsWith('EMAIL') || key === 'MAIL_FROM') return 'somebody@mainstay.test'
  return value
    .replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1')
    .replaceAll(/\$\{[A-Z_]+:\?[^}]+\}/g, `k${'0'.repeat(48)}`)
}

describe('docker-compose.yml', () => {
  test.each([
    ...SERVICE_NAMES.map((name) => [name, `services/${name}/main.ts`]),
    ['gateway', 'gateway/main.ts'],
  ])('%s runs %s', (name, file) => {
    expect(compose.services[name]?.command).toEqual(['node', file])
  })

  test('the simulated provider and carrier run only in the sandbox profile', () => {
    const inProfiles = containers.filter(([, { profiles }]) => profiles)
    expect(inProfiles.map(([name, { profiles }]) => [name, profiles])).toEqual([
      ['provider', ['sandbox']],
      ['carrier', ['sandbox']],
    ])
  })

  test('PostgreSQL logs its errors without the rows that they quote', () => {
    expect(compose.services['postgres']?.command).toEqual(['postgres', '-c', 'log_error_verbosity=terse'])
  })

  test.each(DATABASE_NAMES)('%s has its own role and database, migrated first', (name) => {
    const url = `postgresql://${name}:\${${name.toUpperCase()}_DATABASE_PASSWORD:?missing in .env}@postgres:5432/${name}`
    expect(compose.services[name]?.environment?.DATABASE_URL).toBe(url)
    expect(compose.services[`migrate-${name}`]?.environment).toEqual({ DATABASE_URL: url })
    expect(compose.services[`migrate-${name}`]?.command).toEqual(['node', 'prisma/migrate.ts', name])
    expect(compose.services[name]?.depends_on?.[`migrate-${name}`]?.condition).toBe(
      'service_completed_successfully',
    )
  })

  test('every container is a job that others wait for, or has a health check', () => {
    const without = containers.filter(([, { healthcheck }]) => !healthcheck).map(([name]) => name)
    expect(without.filter((name) => !isJob(name))).toEqual([])
  })

  test('who waits for health waits for a container that has a health check, outside of profiles', () => {
    expect(dependencies.length).toBeGreaterThan(0)
    for (const { name, target, condition } of dependencies) {
      const container = compose.services[target]
      expect(container, `${name} → ${target}`).toBeDefined()
      expect(container!.profiles, `${name} → ${target}`).toBeUndefined()
      expect(condition, `${name} → ${target}`).toBe(
        container!.healthcheck ? 'service_healthy' : 'service_completed_successfully',
      )
      if (!container!.healthcheck) expect(container!.restart, target).toMatch(/^on-failure/)
    }
  })

  test('nobody waits for himself in a circle', () => {
    const finish = (name: string, path: string[]): void => {
      expect(path, [...path, name].join(' → ')).not.toContain(name)
      for (const each of dependencies.filter((dependency) => dependency.name === name)) {
        finish(each.target, [...path, name])
      }
    }
    for (const [name] of containers) finish(name, [])
  })

  test('only the gateway, the Temporal UI and the mailbox are published, on this machine', () => {
    const published = containers.flatMap(([name, { ports = [] }]) => ports.map((port) => ({ name, port })))
    expect(published.map(({ name }) => name).sort()).toEqual(['gateway', 'mailbox', 'temporal-ui'])
    for (const { port } of published) expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  test.each(Object.entries(CONFIGURATIONS))('%s gets a configuration that it accepts', (name, load) => {
    const environment = Object.entries(compose.services[name]?.environment ?? {})
    const filled = environment.map(([key, value]) => [key, filledIn(key, value)])
    expect(() => load(Object.fromEntries(filled))).not.toThrow()
    // a typing error would be ignored by the process: every variable is one that it knows
    const unknown = environment.filter(([key]) => !KNOWN[name]?.includes(key)).map(([key]) => key)
    expect(unknown).toEqual([])
  })

  test('no container takes webhook endpoints that are its own machine', () => {
    const taking = containers.filter(([, { environment = {} }]) => 'WEBHOOK_ALLOW_LOOPBACK' in environment)
    expect(taking.map(([name]) => name)).toEqual([])
  })

  test('every image names its version', () => {
    for (const [name, { image }] of containers) {
      expect(image, name).toMatch(/:(\d|v\d|\$\{MAINSTAY_VERSION)/)
    }
  })

  test('no secret has a value or a default', async () => {
    const secret = /(PASSWORD|SECRET|SIGNING_KEY|API_KEY|ENCRYPTION_KEY|PWD)$/
    const example = await read('deploy/.env.example')
    for (const [name, { environment = {} }] of containers) {
      for (const [key, value] of Object.entries(environment)) {
        if (!secret.test(key)) continue
        const variable = /^\$\{([A-Z_]+):\?[^}]+\}$/.exec(value)?.[1]
        expect(variable, `${name}: ${key}`).toBeDefined()
        expect(example, `${name}: ${key}`).toMatch(new RegExp(`^${variable}=$`, 'm'))
      }
    }
    const withDefaults = [...text.matchAll(/\$\{([A-Z_]+):?-/g)].map(([, name]) => name!)
    expect(withDefaults.filter((name) => secret.test(name))).toEqual([])
    for (const [, credentials] of text.matchAll(/:\/\/([^/@\s]+)@/g)) {
      expect(credentials).toMatch(/^[a-z]+:\$\{[A-Z_]+:\?[^}]+\}$/)
    }
  })
})

describe('deploy/nats/nats.conf', () => {
  const listOf = (subjects: string[] = []) =>
    `[${subjects.map((subject) => JSON.stringify(subject)).join(', ')}]`

  test('acknowledged messages are on disk', async () => {
    expect(await read('deploy/nats/nats.conf')).toMatch(/^ {2}sync_interval: always$/m)
  })

  test.each([...SERVICE_NAMES, 'gateway'] as const)(
    '%s may do what it may in the embedded stack',
    async (name) => {
      const users = (await read('deploy/nats/nats.conf')).split(/^ {6}user: /m)
      const user = users.find((each) => each.startsWith(`${name}\n`))
      const { publish, subscribe } = name === 'gateway' ? GATEWAY_PERMISSIONS : servicePermissions(name)
      expect(user).toContain(`password: $${name.toUpperCase()}_NATS_PASSWORD\n`)
      expect(user).toContain(`publish: { allow: ${listOf(publish.allow)} }\n`)
      expect(user).toContain(`subscribe: { allow: ${listOf(subscribe.allow)} }\n`)
    },
  )
})
