/** JSON over HTTP to another process, through a breaker; says whether a failed call can have had an effect. */
import { causesOf } from '../causes.ts'
import type { Breaker } from './breaker.ts'
import { isCircuitOpen } from './breaker.ts'
import { currentTrace } from '../trace.ts'
import { NOT_SENT_CODES } from './not-sent.ts'

/** The call never reached the other side: it is safe to say that nothing happened. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError'
}

/** The call was sent and no usable answer came: it may have had its effect. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError'
}

export interface JsonCall {
  method: 'GET' | 'POST'
  path: string
  /** Sent as JSON; URLSearchParams as a form. */
  body?: unknown
  headers?: Record<string, string>
}

export interface JsonAnswer {
  status: number
  body: unknown
  headers: Headers
}

export interface JsonClient {
  /**
   * Any answer below 500 is returned; the caller knows what a 4xx means.
   *
   * @throws NotSentError or NoAnswerError (an answer of 500 or more is one: the effect is unknown)
   */
  call(call: JsonCall): Promise<JsonAnswer>
}

export function createJsonClient({ baseUrl, breaker }: { baseUrl: string; breaker: Breaker }): JsonClient {
  async function send({ method, path, body, headers }: JsonCall, signal: AbortSignal): Promise<JsonAnswer> {
    const trace = currentTrace()
    const response = await fetch(new URL(path, baseUrl), {
      method,
      signal,
      redirect: 'error',
      headers: {
        accept: 'application/json',
        ...(body === undefined || isForm(body) ? {} : { 'content-type': 'application/json' }),
        ...(trace === undefined ? {} : { traceparent: trace.traceparent }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isForm(body) ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status >= 500) throw new NoAnswerError(`${method} ${path} answered ${response.status}`)
    return { status: response.status, body: text === '' ? null : JSON.parse(text), headers: response.headers }
  }

  return {
    async call(call) {
      try {
        return await breaker.call((signal) => send(call, signal))
      } catch (cause) {
        if (cause instanceof NoAnswerError) throw cause
        if (isCircuitOpen(cause)) throw new NotSentError(`the circuit to ${baseUrl} is open`, { cause })
        if (NOT_SENT_CODES.has(codeOf(cause)))
          throw new NotSentError(`${baseUrl} cannot be reached`, { cause })
        throw new NoAnswerError(`${call.method} ${call.path} got no answer`, { cause })
      }
    },
  }
}

const isForm = (body: unknown): body is URLSearchParams => body instanceof URLSearchParams

/** The system's error code, however deep `fetch` has wrapped it. */
function codeOf(error: unknown): string {
  for (const each of causesOf(error)) {
    if ('code' in each && typeof each.code === 'string') return each.code
  }
  return ''
}
