/** A small client of the public API, as any customer's program would be: for the demo, tests and benchmarks. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order, PlaceOrderBody, TimelineEntry } from '#contracts/http/orders.ts'
import { Problem } from '#contracts/schemas.ts'
import { parser } from '#platform/validation.ts'

const parseProblem = parser('the answer', Problem)

export const SEED_PASSWORD = 'mainstay-local'

const COMMAND_TRIES = 5

export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly problem: Problem
  /** Seconds after which to try again, where the answer said so; otherwise 0. */
  readonly retryAfter: number

  constructor(problem: Problem, retryAfter = 0) {
    super(`${problem.status} ${problem.code}: ${problem.detail}`)
    this.problem = problem
    this.retryAfter = retryAfter
  }
}

export interface ApiAnswer<Body> {
  status: number
  body: Body
  headers: Headers
}

export interface ApiClient {
  /** Sends one request; a problem is returned like any other answer. */
  send<Body>(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<ApiAnswer<Body>>
  /** Opens an answer that goes on, such as a stream of events. */
  open(path: string, options: { headers?: Record<string, string>; signal: AbortSignal }): Promise<Response>
  /** The body of a success. @throws ApiError */
  request<Body>(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Body>
  /** A POST with a new idempotency key, sent again for a while as long as nobody can take it (503). @throws ApiError */
  command<Body>(path: string, body?: unknown): Promise<Body>
  /** @throws ApiError */
  placeOrder(body: PlaceOrderBody, key?: string): Promise<Order>
  /** @throws ApiError */
  readOrder(id: string): Promise<Order>
  /** The whole timeline. @throws ApiError */
  readTimeline(id: string): Promise<TimelineEntry[]>
}

export function createApiClient(gatewayUrl: string, token?: string): ApiClient {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }

  async function send<Body>(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<ApiAnswer<Body>> {
    const response = await fetch(`${gatewayUrl}${path}`, {
      method,
      headers: {
        ...authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    const parsed: unknown = text === '' ? null : JSON.parse(text)
    // a client trusts the API's documented shapes
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { status: response.status, body: parsed as Body, headers: response.headers }
  }

  const request: ApiClient['request'] = async <Body>(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ) => {
    const { status, body, headers } = await send<Body>(method, path, options)
    if (status >= 400) throw new ApiError(parseProblem(body), Number(headers.get('retry-after')))
    return body
  }

  return {
    send,
    open: (path, { headers, signal }) =>
      fetch(`${gatewayUrl}${path}`, { headers: { ...authorization, ...headers }, signal }),
    request,
    async command(path, body) {
      const options = {
        headers: { 'idempotency-key': randomUUID() },
        ...(body === undefined ? {} : { body }),
      }
      for (let tries = 1; ; tries += 1) {
        try {
          return await request('POST', path, options)
        } catch (error) {
          const isTooSoon = error instanceof ApiError && error.problem.status === 503 && tries < COMMAND_TRIES
          if (!isTooSoon) throw error
          await sleep(error.retryAfter * 1_000)
        }
      }
    },
    placeOrder: (body, key = randomUUID()) =>
      request<Order>('POST', '/api/v1/orders', { body, headers: { 'idempotency-key': key } }),
    readOrder: (id) => request<Order>('GET', `/api/v1/orders/${id}`),
    async readTimeline(id) {
      const entries: TimelineEntry[] = []
      for (let cursor: string | null = ''; cursor !== null;) {
        const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page: { data: TimelineEntry[]; nextCursor: string | null } = await request(
          'GET',
          `/api/v1/orders/${id}/timeline?limit=100${query}`,
        )
        entries.push(...page.data)
        cursor = page.nextCursor
      }
      return entries
    },
  }
}

/** Signs in and returns a client that acts for this account. */
export async function signIn(
  gatewayUrl: string,
  email: string,
  password = SEED_PASSWORD,
): Promise<ApiClient> {
  const anonymous = createApiClient(gatewayUrl)
  const { status, body } = await anonymous.send<{ accessToken: string } | Problem>(
    'POST',
    '/api/v1/auth/login',
    {
      body: { email, password },
    },
  )
  if (!('accessToken' in body))
    throw status >= 400 && 'code' in body ? new ApiError(body) : new Error(`login answered ${status}`)
  return createApiClient(gatewayUrl, body.accessToken)
}
