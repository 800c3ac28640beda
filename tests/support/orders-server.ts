/** The orders service's HTTP door at a port, on its real database, for callers with tokens as the gateway signs them. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Role } from '#contracts/schemas.ts'
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import {
  createCallerVerifier,
  createServiceTokenSigner,
  generateSigningKey,
  type ServiceTokenSigner,
} from '#platform/service-token.ts'
import { registerRoutes } from '#services/orders/routes.ts'
import { fakeWorkflows, orderUseCases } from './orders-door.ts'
import { orderBody, silentLogger, testOrders, type TestOrders } from './orders.ts'

export interface Who {
  subject: string
  roles: Role[]
  scopes?: string[]
}

export const customer = (subject: string): Who => ({ subject, roles: ['customer'] })

export interface CallOptions {
  body?: unknown
  key?: string
  headers?: Record<string, string>
}

/** Runs for one test file; Temporal is cheerful again before each test. */
export function ordersServer() {
  let orders: TestOrders
  let app: HttpServer
  let url: string
  let signer: ServiceTokenSigner
  const keys = createServer((_request, response) => response.end(JSON.stringify(signer.publicKeys())))
  const workflows = fakeWorkflows()

  beforeAll(async () => {
    orders = await testOrders(20)
    signer = await createServiceTokenSigner('gateway', await generateSigningKey())
    keys.listen(0, '127.0.0.1')
    await once(keys, 'listening')
    const keysUrl = new URL(`http://127.0.0.1:${(keys.address() as AddressInfo).port}`)
    app = createHttpServer({ logger: silentLogger, probes: {} })
    const verifyCaller = createCallerVerifier('orders', new Map([['gateway', keysUrl]]))
    registerRoutes(app, verifyCaller, orderUseCases(orders, workflows))
    url = await app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(async () => {
    await app.close()
    keys.close()
  })
  beforeEach(() => {
    for (const mock of Object.values(workflows)) mock.mockReset()
    workflows.start.mockResolvedValue()
    workflows.command.mockResolvedValue()
    workflows.amend.mockResolvedValue({ outcome: 'applied' })
  })

  const bearer = async (who: Who): Promise<string> =>
    `Bearer ${await signer.sign('orders', { kind: 'user', scopes: ['*'], ...who })}`

  async function call(
    who: Who | undefined,
    method: string,
    path: string,
    { body, key, headers = {} }: CallOptions = {},
  ) {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(who === undefined ? {} : { authorization: await bearer(who) }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
  }

  return {
    get orders() {
      return orders
    },
    get url() {
      return url
    },
    /** Temporal, as the test says. */
    workflows,
    bearer,
    call,
    place: (who: Who, key: string = randomUUID(), changes = {}) =>
      call(who, 'POST', '/api/v1/orders', { body: orderBody(changes), key }),
  }
}
