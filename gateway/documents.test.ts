import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { ERRORS } from '#contracts/errors.ts'
import type { RouteContract } from '#contracts/http/route.ts'
import * as inventory from '#contracts/http/inventory.ts'
import * as notifications from '#contracts/http/notifications.ts'
import * as operations from '#contracts/http/operations.ts'
import * as orders from '#contracts/http/orders.ts'
import * as payments from '#contracts/http/payments.ts'
import * as returns from '#contracts/http/returns.ts'
import * as shipping from '#contracts/http/shipping.ts'
import * as users from '#contracts/http/users.ts'
import { createLogger } from '#platform/logger.ts'
import { LIMITS } from './limits.ts'
import { ROUTES } from './routes.ts'
import { buildGateway } from './server.ts'
import { natsOf, startTestGateway, type TestGateway } from './testing/harness.ts'

let gateway: TestGateway
let document: Document
beforeAll(async () => {
  gateway = await startTestGateway({ nats: natsOf(inject('infrastructure')) })
  document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as Document
})
afterAll(() => gateway.stop())

interface Operation {
  description: string
  parameters?: { name: string; in: string; required?: boolean }[]
  responses: Record<
    string,
    { headers?: object; content?: Record<string, { schema: { properties?: object } }> }
  >
  security: Record<string, string[]>[]
  requestBody?: unknown
}
interface Document {
  openapi: string
  info: { description: string }
  paths: Record<string, Record<string, Operation>>
}

const isContract = (value: unknown): value is RouteContract =>
  value !== null && typeof value === 'object' && 'method' in value && 'url' in value && 'access' in value

const key = (method: string, url: string) => `${method.toUpperCase()} ${url.replaceAll(/:(\w+)/g, '{$1}')}`

/** Every path and method of a server, read from the router's own tree. */
function registered(tree: string): string[] {
  const parents: string[] = []
  return tree.split('\n').flatMap((line) => {
    const match = /^((?:│ {3}| {4})*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?/.exec(line)
    if (match === null) return []
    const depth = match[1]!.length / 4
    parents.length = depth
    parents[depth] = match[2]!
    const url = parents.join('')
    return (match[3]?.split(', ') ?? []).map((method) => key(method, url))
  })
}

describe('the route table', () => {
  test('has every public contract once and no internal one', () => {
    const contracts = [
      inventory,
      notifications,
      operations,
      orders,
      payments,
      returns,
      shipping,
      users,
    ].flatMap((module) => Object.values(module).filter(isContract))
    const expected = contracts.filter(({ access }) => access !== 'service')
    const listed = ROUTES.map(({ contract }) => contract)
    expect(contracts.length).toBeGreaterThan(expected.length)
    expect(listed.map(({ method, url }) => key(method, url)).sort()).toEqual(
      expected.map(({ method, url }) => key(method, url)).sort(),
    )
    expect(new Set(listed).size).toBe(listed.length)
  })

  test('says of every call that is no GET whether it takes an Idempotency-Key', () => {
    const by = Object.groupBy(
      ROUTES.map(({ contract }) => contract).filter(({ method }) => method !== 'GET'),
      ({ idempotency = 'not said' }) => idempotency,
    )
    const named = (name: keyof typeof by) =>
      (by[name] ?? []).map(({ method, url }) => `${method} ${url.replace('/api/v1/', '')}`).sort()
    expect(named('not said')).toEqual([])
    expect(named('required')).toEqual([
      'POST operations/dead-letters/:id/redrive',
      'POST orders',
      'POST orders/:id/amendments',
      'POST orders/:id/operations',
      'POST orders/:id/refunds',
      'POST orders/:id/returns',
      'POST returns/:id/approve',
      'POST returns/:id/receive',
      'POST stock/:sku/adjustments',
    ])
    expect(named('refused')).toEqual([
      'DELETE api-keys/:id',
      'DELETE webhook-endpoints/:id',
      'POST api-keys',
      'POST auth/invitations',
      'POST auth/login',
      'POST auth/logout',
      'POST auth/refresh',
      'POST users',
      'POST webhook-endpoints',
    ])
    expect(named('unused')).toEqual([
      'POST quotes',
      'POST webhooks/carriers/:provider',
      'POST webhooks/payments/:provider',
    ])
  })
})

describe('/openapi.json', () => {
  /** Documentation, and keys for services: not part of the interface. */
  const OUTSIDE = /^\S+ (\/docs|\/openapi\.json$|\/\.well-known\/service-jwks\.json$)/

  test('equals the registered routes, both ways', async () => {
    const app = await buildGateway({
      logger: createLogger({ service: 'test', level: 'silent' }),
      authenticate: () => Promise.reject(new Error('not called')),
      limits: {
        consume: () => Promise.reject(new Error('not called')),
        probe: undefined,
        stop: async () => {},
      },
      perMinute: Object.fromEntries(Object.keys(LIMITS).map((name) => [name, 1])) as never,
      upstreams: {} as never,
      signer: { publicKeys: () => ({ keys: [] }) },
      probes: {},
      trustedProxies: [],
    })
    await app.ready()
    const routes = registered(app.printRoutes()).filter(
      (route) => !route.startsWith('HEAD ') && !OUTSIDE.test(route),
    )
    const whole = app.swagger() as unknown as Document
    const documented = Object.entries(whole.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => key(method, path)),
    )
    await app.close()
    expect(routes.length).toBe(ROUTES.length + 3)
    expect(documented.sort()).toEqual(routes.sort())
  })

  test('is 3.1 and tells keys, limits, security and problems', async () => {
    expect(document.openapi).toBe('3.1.0')
    const place = document.paths['/api/v1/orders']!['post']!
    expect(place.parameters).toContainEqual(
      expect.objectContaining({ name: 'Idempotency-Key', in: 'header', required: true }),
    )
    expect(place.security).toEqual([{ accessToken: [] }, { apiKey: ['orders:write'] }])
    expect(place.requestBody).toBeDefined()
    expect(Object.keys(place.responses['201']!.headers!)).toEqual([
      'RateLimit-Policy',
      'RateLimit',
      'X-Request-Id',
      'Idempotency-Replayed',
    ])
    expect(place.responses['201']!.content!['application/json']!.schema.properties).toHaveProperty('number')
    expect(place.responses['429']!.content!['application/problem+json']).toBeDefined()
    const login = document.paths['/api/v1/auth/login']!['post']!
    expect(login.parameters?.map(({ name }) => name) ?? []).not.toContain('Idempotency-Key')
    expect(login.description).toContain('An `Idempotency-Key` is refused.')
    expect(login.security[0]).toEqual({})
    expect(document.paths['/api/v1/api-keys/{id}']!['delete']!.responses['204']).not.toHaveProperty('content')
    for (const code of Object.keys(ERRORS)) expect(document.info.description).toContain(`\`${code}\``)
  })
})

describe('what the document says of headers', () => {
  test.each(ROUTES.map(({ contract }) => [key(contract.method, contract.url), contract] as const))(
    '%s: what its contract says',
    (_name, contract) => {
      const { method, url, idempotency, ifMatch, stream } = contract
      const operation = document.paths[url.replaceAll(/:(\w+)/g, '{$1}')]![method.toLowerCase()]!
      const headers = (operation.parameters ?? []).filter((one) => one.in === 'header')
      expect(headers.map(({ name, required }) => [name, required === true])).toEqual([
        ...(idempotency === 'required' || idempotency === 'optional'
          ? [['Idempotency-Key', idempotency === 'required']]
          : []),
        ...(ifMatch === undefined ? [] : [['If-Match', false]]),
        ...(stream === true ? [['Last-Event-ID', false]] : []),
      ])
      expect(Object.hasOwn(operation.responses, '412')).toBe(ifMatch !== undefined)
    },
  )

  test('a stream can be resumed, a scan and an account have no version', () => {
    const headersOf = (path: string, method: string) =>
      document.paths[`/api/v1/${path}`]![method]!.parameters!.map(({ name }) => name)
    expect(headersOf('orders/{id}/events', 'get')).toContain('Last-Event-ID')
    for (const [path, method] of [
      ['shipments/{id}/scans', 'post'],
      ['users/me', 'patch'],
    ] as const)
      expect(headersOf(path, method)).not.toContain('If-Match')
    expect(headersOf('webhooks/payments/{provider}', 'post')).toEqual(['provider'])
  })
})

describe('/docs', () => {
  test('has no other files', async () => {
    const answer = await fetch(`${gateway.url}/docs/static/nope`)
    expect([answer.status, answer.headers.get('allow')]).toEqual([404, null])
  })

  test('needs nothing from elsewhere', async () => {
    const page = await fetch(`${gateway.url}/docs`)
    expect(page.status).toBe(200)
    const html = await page.text()
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//)
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'/)
    const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source!)
    expect(sources.length).toBeGreaterThan(2)
    for (const source of sources) {
      const asset = await fetch(new URL(source, page.url))
      expect([source, asset.status]).toEqual([source, 200])
      await asset.arrayBuffer()
    }
  })
})

describe('/health', () => {
  test('shows every part; a service that is degraded says what is down inside it', async () => {
    const healthy = await fetch(`${gateway.url}/health`)
    expect(healthy.status).toBe(200)
    const all = (await healthy.json()) as { checks: Record<string, unknown> }
    expect(Object.keys(all.checks).sort()).toEqual(
      ['broker', 'inventory', 'notifications', 'orders', 'payments', 'shipping', 'users'].sort(),
    )
    gateway.services.orders.health = {
      status: 'degraded',
      checks: {
        database: { status: 'down', latencyMs: 1 },
        broker: { status: 'up', latencyMs: 1 },
        temporal: { status: 'down', latencyMs: 1 },
      },
    }
    await gateway.services.shipping.stop()
    const degraded = await fetch(`${gateway.url}/health`)
    expect(degraded.status).toBe(503)
    expect(await degraded.json()).toMatchObject({
      status: 'degraded',
      checks: {
        orders: { status: 'down', detail: 'down inside: database, temporal' },
        shipping: { status: 'down', detail: 'shipping cannot be reached' },
        users: { status: 'up' },
      },
    })
    for (const path of ['/livez', '/readyz']) expect((await fetch(gateway.url + path)).status).toBe(200)
  })
})

describe('docs/errors.md', () => {
  test('lists every code with its status, and no other', async () => {
    const text = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8')
    const listed = [...text.matchAll(/^\| `(\w+)` \| (\d{3}) \| (.+) \|$/gm)].map(
      ([, code, status, advice]) => ({
        code,
        status: Number(status),
        advised: advice!.trim().length > 10,
      }),
    )
    const known = Object.entries(ERRORS).map(([code, { status }]) => ({ code, status, advised: true }))
    const byCode = (a: { code?: string | undefined }, b: { code?: string | undefined }) =>
      String(a.code).localeCompare(String(b.code))
    expect(listed.sort(byCode)).toEqual(known.sort(byCode))
  })
})
