/** Passes a request on to the service behind it, once, and its answer back. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Readable } from 'node:stream'
import type { ServiceName } from '#contracts/services.ts'
import { notFound } from '#platform/problem.ts'
import type { Caller } from '#platform/service-token.ts'
import { currentTrace } from '#platform/trace.ts'
import { addressBucket } from './client-address.ts'
import { requestHeaders, responseHeaders, type Headers } from './headers.ts'
import {
  ClientGoneError,
  PROBLEM_TYPE,
  UnusableAnswerError,
  upstreamProblem,
  type UpstreamOptions,
} from './upstream.ts'

/** The breaker's own limit answers the client; this one ends the connection that it gave up on. */
const CLEAN_UP_AFTER_MS = 500
const STREAM_TYPE = 'text/event-stream'
/** A stream beats more often than this (services/orders/live/). */
const STREAM_IDLE_MS = 60_000

interface Answer {
  status: number
  headers: Headers
  body: Readable
}

export interface Forwarding {
  /** Where the answer may be a stream: what stands between it and the client. */
  passOn?: ((body: Readable) => Readable) | undefined
  /** The ETag of what the call is about, where the service does not know it itself. */
  currentEtag?: string | undefined
  /** Where the service may not know what the call is about: what is answered in place of its 404. */
  on404?: (() => Promise<object>) | undefined
}

export type Forwarder = (
  call: { request: FastifyRequest; reply: FastifyReply; caller: Caller },
  forwarding?: Forwarding,
) => Promise<FastifyReply>

/** The reply must have been decorated by @fastify/reply-from. @throws ProblemError or ClientGoneError */
export function createForwarder({ service, url, signer, breaker, timeoutMs }: UpstreamOptions): Forwarder {
  return async ({ request, reply, caller }, { passOn, currentEtag, on404 } = {}) => {
    const target = targetOf(request, url)
    const token = await signer.sign(service, caller)
    const headers = requestHeaders(request.headers, {
      host: target.host,
      authorization: `Bearer ${token}`,
      'x-request-id': request.id,
      'x-client-ip': addressBucket(request.ip),
      traceparent: currentTrace()?.traceparent ?? '',
      ...(currentEtag === undefined ? {} : { 'x-current-etag': currentEtag }),
    })
    const idleMs = passOn === undefined ? timeoutMs + CLEAN_UP_AFTER_MS : STREAM_IDLE_MS
    const answer = await breaker
      .call(async (signal) =>
        usable(
          service,
          await exchange(request, reply, { target, headers, idleMs, signal }),
          passOn !== undefined,
        ),
      )
      .catch((cause: unknown) => {
        if (cause instanceof ClientGoneError) throw cause
        throw upstreamProblem({ service, timeoutMs }, cause)
      })
    if (answer.status === 404 && on404 !== undefined) {
      discard(answer.body)
      return reply.code(200).send(await on404())
    }
    const body = isStream(answer) && passOn !== undefined ? passOn(answer.body) : answer.body
    return reply.code(answer.status).headers(responseHeaders(answer.headers)).send(body)
  }
}

/**
 * The same path at the service. A path that a URL parser reads differently (dot segments, another host) would reach
 * another route than the one whose access was checked: there is nothing at such a path. @fastify/reply-from refuses
 * decoded dot segments too, but inside the breaker, where a client's mistake would count against the service.
 */
function targetOf(request: FastifyRequest, base: string): URL {
  const [path = ''] = request.url.split('?', 1)
  const target = URL.canParse(request.url, base) ? new URL(request.url, base) : undefined
  const same = target !== undefined && target.pathname === path && target.origin === new URL(base).origin
  if (!same || /[\\/]\.\.|\.\.[\\/]/.test(decodeURIComponent(path))) throw notFound('path')
  return target
}

interface Exchange {
  target: URL
  headers: Record<string, string>
  /** How long nothing may come. */
  idleMs: number
  signal: AbortSignal
}

function exchange(request: FastifyRequest, reply: FastifyReply, call: Exchange): Promise<Answer> {
  const { target, headers, idleMs, signal } = call
  const body = Buffer.isBuffer(request.body) ? request.body : undefined
  return new Promise((resolve, reject) => {
    let failed = false
    let answered: Headers = {}
    const fail = (error: Error) => {
      failed = true
      reject(error)
    }
    reply.raw.once('close', () => fail(new ClientGoneError('the client hung up')))
    reply.from(target.pathname, {
      getUpstream: () => target.origin,
      queryString: () => target.search.slice(1),
      timeout: idleMs,
      ...(body === undefined
        ? {}
        : { body, contentType: headers['content-type'] ?? 'application/octet-stream' }),
      rewriteRequestHeaders: () => headers,
      // the answer's headers are set when it is known to be usable
      rewriteHeaders: (headersOfAnswer) => {
        answered = headersOfAnswer
        return {}
      },
      onResponse: (_request, _reply, { statusCode, stream }) => {
        if (signal.aborted || failed) discard(stream)
        else resolve({ status: statusCode, headers: answered, body: stream })
      },
      onError: (_reply, { error }) => fail(error),
    })
  })
}

/** Ends an answer that nobody wants; that it breaks off then is no news. */
function discard(body: Readable): void {
  body.on('error', () => {}).destroy()
}

const typeOf = ({ headers }: Answer): string =>
  String(headers['content-type'] ?? '')
    .split(';', 1)[0]
    ?.trim() ?? ''

const isStream = (answer: Answer): boolean => answer.status === 200 && typeOf(answer) === STREAM_TYPE

/** Clients get JSON, or events where they asked for them; of a service's failures only those that it explains. */
function usable(service: ServiceName, answer: Answer, mayStream: boolean): Answer {
  const type = typeOf(answer)
  const empty = answer.status === 204 || answer.headers['content-length'] === '0'
  const fine =
    answer.status >= 500
      ? type === PROBLEM_TYPE
      : empty || type === 'application/json' || type === PROBLEM_TYPE || (mayStream && isStream(answer))
  if (fine) return answer
  discard(answer.body)
  throw new UnusableAnswerError(`${service} answered ${answer.status} as ${type === '' ? 'nothing' : type}`)
}
