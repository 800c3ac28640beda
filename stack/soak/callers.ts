/** People who call the platform and do not mind that parts of it are away: they call again, with the same key. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApiError, signIn, type ApiClient } from '../demo/client.ts'

const PATIENCE_MS = 90_000
const AGAIN_MS = 500
/** A token lasts longer than this. */
const SIGN_IN_AGAIN_MS = 300_000
const AWAY = [429, 502, 503, 504]

export interface Caller {
  /** The body of a success. @throws ApiError */
  read<Body>(path: string): Promise<Body>
  /** A refusal is an answer like any other. */
  post<Body extends object = object>(path: string, body?: object): Promise<Answer<Body>>
}

export interface Answer<Body> {
  /** The status, and the code of the problem where it is one: `409 order_not_amendable`. */
  said: string
  body: Body
}

/** @param onDefect told of answers that no client should ever get */
export function createCaller(gatewayUrl: string, email: string, onDefect: (defect: string) => void): Caller {
  let signedIn: { client: ApiClient; at: number } | undefined

  async function client(): Promise<ApiClient> {
    if (signedIn === undefined || performance.now() - signedIn.at > SIGN_IN_AGAIN_MS)
      signedIn = { client: await signIn(gatewayUrl, email), at: performance.now() }
    return signedIn.client
  }

  return {
    read: <Body>(path: string) =>
      patiently(async () => (await client()).request<Body>('GET', path)).catch((error: unknown) => {
        if (error instanceof ApiError && error.problem.status === 500)
          onDefect(`GET ${path}: ${error.message}`)
        throw error
      }),
    async post<Body extends object>(path: string, body?: object): Promise<Answer<Body>> {
      const key = randomUUID()
      const { status, body: answer } = await patiently(async () => {
        const response = await (await client()).post<Body>(path, body, key)
        if (AWAY.includes(response.status)) throw new AwayError(`${path} answered ${response.status}`)
        return response
      })
      const code = 'code' in answer ? ` ${String(answer.code)}` : ''
      if (status === 500) onDefect(`POST ${path}:${code}`)
      return { said: `${status}${code}`, body: answer }
    },
  }
}

class AwayError extends Error {
  override readonly name = 'AwayError'
}

/** `fetch` gives a TypeError where nobody listens, or hangs up. */
const isAway = (error: unknown): boolean =>
  error instanceof AwayError ||
  error instanceof TypeError ||
  (error instanceof ApiError && AWAY.includes(error.problem.status))

async function patiently<Result>(call: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!isAway(error) || performance.now() > deadline) throw error
      await sleep(AGAIN_MS)
    }
  }
}
