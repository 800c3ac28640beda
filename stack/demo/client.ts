/** A small client of the public API, as any customer's program would be: for the demo, tests and benchmarks. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order, PlaceOrderBody, TimelineEntry } from '#contracts/http/orders.ts'
import { Problem } from '#contracts/schemas.ts'
import { parser } from '#platform/validation.ts'

const parseProblem = parser('the answer', Problem)

export const SEED_PASSWORD = 'mainstay-local'

/** How often and how long a command is sent that nobody can take: for longer than a machine pauses or a server restarts. */
const COMMAND_TRIES = 16
const COMMAND_PATIENCE_MS = 30_000

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
  /**
   * A POST with an idempotency key, sent again for a while as long as nobody can take it (502, 503, 504) or the first is
   * still under way; a problem is returned like any other answer.
   */
  post<Body>(path: string, body?: unknown, key?: string): Promise<ApiAnswer<Body>>
  /** The body of the answer to such a POST. @throws ApiError */
  command<Body>(path: string, body?: unknown): Promise<Body>
  /** Such a POST, too. @throws ApiError */
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
  ) => bodyOf(await send<Body>(method, path, options))

  const post: ApiClient['post'] = async <Body>(path: string, body?: unknown, key: string = randomUUID()) => {
    const options = { headers: { 'idempotency-key': key }, ...(body === undefined ? {} : { body }) }
    const deadline = performance.now() + COMMAND_PATIENCE_MS
    for (let tries = 1; ; tries += 1) {
      const answer = await send<Body>('POST', path, options)
      if (!isTooSoon(answer) || tries >= COMMAND_TRIES || performance.now() > deadline) return answer
      await sleep(retryAfterOf(answer) * 1_000)
    }
  }

  return {
    send,
    open: (path, { headers, signal }) =>
      fetch(`${gatewayUrl}${path}`, { headers: { ...authorization, ...headers }, signal }),
    request,
    post,
    command: async <Body>(path: string, body?: unknown) => bodyOf(await post<Body>(path, body)),
    placeOrder: async (body, key) => bodyOf(await post<Order>('/api/v1/orders', body, key)),
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

const TOO_SOON = [502, 503, 504]

/** Nobody took it, or an earlier try of the same is still being worked on. */
const isTooSoon = ({ status, body }: ApiAnswer<unknown>): boolean =>
  TOO_SOON.includes(status) || (status === 409 && parseProblem(body).code === 'idempotency_in_progress')

const retryAfterOf = ({ headers }: ApiAnswer<unknown>): number => Number(headers.get('retry-after'))

/** @throws ApiError */
function bodyOf<Body>(answer: ApiAnswer<Body>): Body {
  if (answer.status >= 400) throw new ApiError(parseProblem(answer.body), retryAfterOf(answer))
  return answer.body
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
