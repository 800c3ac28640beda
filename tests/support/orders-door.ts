/** The HTTP door of the orders service in front of its real database; what Temporal answers is said by the test. */
import { randomUUID } from 'node:crypto'
import { vi } from 'vitest'
import type { Role } from '#contracts/schemas.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { createAmendOrder } from '#services/orders/amendments/amend-order.ts'
import { createCommandOrder } from '#services/orders/command-order.ts'
import { createListAttention } from '#services/orders/list-attention.ts'
import { createListOrders } from '#services/orders/list-orders.ts'
import { createLiveTimeline } from '#services/orders/live/live-timeline.ts'
import { createOperateOrder } from '#services/orders/operate-order.ts'
import type { OrderWorkflows } from '#services/orders/order-workflow.ts'
import { createPlaceOrder } from '#services/orders/place-order.ts'
import { createReadTimeline } from '#services/orders/read-timeline.ts'
import { createCommandReturn } from '#services/orders/returns/command-return.ts'
import { createListReturns } from '#services/orders/returns/find-returns.ts'
import { createRequestReturn } from '#services/orders/returns/request-return.ts'
import type { ReturnTerms } from '#services/orders/returns/return-input.ts'
import type { ReturnWorkflows } from '#services/orders/returns/return-workflow.ts'
import { createStartReturn } from '#services/orders/returns/start-returns.ts'
import { registerRoutes, type OrderUseCases } from '#services/orders/routes.ts'
import { createStartOrder } from '#services/orders/start-workflows.ts'
import { as, testServer } from './http.ts'
import { silentLogger, testOrders, type TestOrders } from './orders.ts'

/** Temporal, as the test says; cheerful unless told. */
export const fakeWorkflows = () => ({
  start: vi.fn<OrderWorkflows['start']>().mockResolvedValue(),
  command: vi.fn<OrderWorkflows['command']>().mockResolvedValue(),
  amend: vi.fn<OrderWorkflows['amend']>().mockResolvedValue({ outcome: 'applied' }),
  signal: vi.fn<OrderWorkflows['signal']>().mockResolvedValue(),
  hearOfParcel: vi.fn<OrderWorkflows['hearOfParcel']>().mockResolvedValue(true),
  requestCancellation: vi.fn<OrderWorkflows['requestCancellation']>().mockResolvedValue(),
})

export const fakeReturnWorkflows = () => ({
  start: vi.fn<ReturnWorkflows['start']>().mockResolvedValue(),
  command: vi.fn<ReturnWorkflows['command']>().mockResolvedValue(),
  operate: vi.fn<ReturnWorkflows['operate']>().mockResolvedValue(true),
})

const policy = { stepAttempts: 1, compensationAttempts: 1, maximumIntervalSeconds: 1 }
export const RETURN_TERMS: ReturnTerms = { policy, refundOn: 'receipt', arrivalSeconds: 60 }

/** Everything behind the door, with a Temporal of the test's. */
export function orderUseCases(
  { database, transact, pricing }: TestOrders,
  workflows: OrderWorkflows,
  returnWorkflows: ReturnWorkflows = fakeReturnWorkflows(),
): OrderUseCases {
  const commandOrder = createCommandOrder({ database, workflows, policy })
  const terms = RETURN_TERMS
  return {
    database,
    placeOrder: createPlaceOrder({ database, transact, pricing }),
    startOrder: createStartOrder({ database, workflows, policy }),
    listOrders: createListOrders(database),
    readTimeline: createReadTimeline(database),
    listAttention: createListAttention(database),
    liveTimeline: createLiveTimeline({ database, logger: silentLogger, pollMs: 20 }),
    pricing,
    commandOrder,
    amendOrder: createAmendOrder({ database, workflows, policy, pricing }),
    operateOrder: createOperateOrder({ database, transact, commandOrder, returnWorkflows }),
    requestReturn: createRequestReturn(transact),
    startReturn: createStartReturn({ database, returnWorkflows, terms }),
    listReturns: createListReturns(database),
    commandReturn: createCommandReturn({ database, returnWorkflows, terms }),
    logger: silentLogger,
  }
}

export interface Answer {
  status: number
  headers: Record<string, unknown>
  body: ReturnType<typeof JSON.parse>
}

export interface OrdersDoor extends TestOrders {
  app: HttpServer
  workflows: ReturnType<typeof fakeWorkflows>
  returnWorkflows: ReturnType<typeof fakeReturnWorkflows>
  post(who: Caller, path: string, body?: unknown, options?: CallOptions): Promise<Answer>
  get(who: Caller, path: string): Promise<Answer>
}

export type Caller = readonly [Role, string]

/** Two customers and an operator. */
export const [ada, bob, op] = [randomUUID(), randomUUID(), randomUUID()]
export const customer: Caller = ['customer', ada]
export const stranger: Caller = ['customer', bob]
export const operator: Caller = ['operator', op]

export interface CallOptions {
  /** A new one unless told; null sends none. */
  key?: string | null
  headers?: Record<string, string>
}

export async function ordersDoor(): Promise<OrdersDoor> {
  const orders = await testOrders(20)
  const workflows = fakeWorkflows()
  const returnWorkflows = fakeReturnWorkflows()
  const app = await testServer((server, verifyCaller) =>
    registerRoutes(server, verifyCaller, orderUseCases(orders, workflows, returnWorkflows)),
  )
  return {
    ...orders,
    app,
    workflows,
    returnWorkflows,
    async post(who, path, body = {}, { key = randomUUID(), headers = {} } = {}) {
      const answer = await app.inject({
        method: 'POST',
        url: path,
        payload: JSON.stringify(body),
        headers: {
          ...as(...who),
          'content-type': 'application/json',
          ...(key === null ? {} : { 'idempotency-key': key }),
          ...headers,
        },
      })
      return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
    },
    async get(who, path) {
      const answer = await app.inject({ method: 'GET', url: path, headers: as(...who) })
      return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
    },
  }
}
