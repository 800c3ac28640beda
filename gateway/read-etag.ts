/** Asks the service that owns an object which version it has, for a call about the object that goes to another service. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isErrorCode, type ErrorCode } from '#contracts/errors.ts'
import type { RouteContract } from '#contracts/http/route.ts'
import { Problem } from '#contracts/schemas.ts'
import { versionOf } from '#platform/http/if-match.ts'
import { ProblemError } from '#platform/problem.ts'
import type { Caller } from '#platform/service-token.ts'
import { currentTrace } from '#platform/trace.ts'
import { compileLiteral } from '#platform/validation.ts'
import { ClientGoneError, UnusableAnswerError, upstreamProblem, type UpstreamOptions } from './upstream.ts'

/**
 * The ETag of what the path's parameters name, read with this contract.
 *
 * @throws ProblemError what the service refuses with, such as `not_found`, or what `upstreamProblem` makes of a failure;
 *   ClientGoneError
 */
export type ReadEtag = (
  call: { request: FastifyRequest; reply: FastifyReply; caller: Caller },
  read: RouteContract,
) => Promise<string>

const isProblem = compileLiteral(Problem)

export function createReadEtag({ service, url, signer, breaker, timeoutMs }: UpstreamOptions): ReadEtag {
  return async ({ request, reply, caller }, read) => {
    const token = await signer.sign(service, readerFor(caller, read))
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const ask = async (signal: AbortSignal) => {
      const response = await fetch(new URL(pathOf(read, request.params), url), {
        signal: AbortSignal.any([signal, gone.signal]),
        redirect: 'error',
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          'x-request-id': request.id,
          traceparent: currentTrace()?.traceparent ?? '',
        },
      })
      return judge(response, await response.text())
    }
    const answer = await breaker
      .call(async (signal) => ask(signal).catch((error: unknown) => failed(error)))
      .catch((cause: unknown) => {
        if (cause instanceof ClientGoneError) throw cause
        throw upstreamProblem({ service, timeoutMs }, cause, { onlyAsked: true })
      })
    if (answer instanceof ProblemError) throw answer
    return answer

    function failed(error: unknown): never {
      if (gone.signal.aborted) throw new ClientGoneError('the client hung up', { cause: error })
      throw error
    }
  }

  /** The ETag, or the refusal that the client is to see; a service that explains itself has not failed. */
  function judge(response: Response, text: string): string | ProblemError {
    const etag = response.headers.get('etag')
    if (response.status === 200 && etag !== null && versionOf(etag) !== undefined) return etag
    const problem = problemOf(text)
    if (problem !== undefined && response.status >= 400) {
      const { code, detail, errors } = problem
      const seconds = Number(response.headers.get('retry-after'))
      return new ProblemError(code, detail, {
        ...(errors === undefined ? {} : { errors }),
        ...(seconds > 0 ? { retryAfter: seconds } : {}),
      })
    }
    throw new UnusableAnswerError(`${service} answered ${response.status} without an ETag or a problem`)
  }
}

/** The object itself is not shown: an API key that may change it needs no scope to read it. */
const readerFor = (caller: Caller, { scope }: RouteContract): Caller =>
  scope === undefined || caller.scopes.includes('*') || caller.scopes.includes(scope)
    ? caller
    : { ...caller, scopes: [...caller.scopes, scope] }

function pathOf({ url }: RouteContract, params: unknown): string {
  const values = new Map(Object.entries(params ?? {}))
  return url.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(values.get(name))))
}

function problemOf(text: string): (Problem & { code: ErrorCode }) | undefined {
  try {
    const body: unknown = JSON.parse(text)
    if (!isProblem(body)) return undefined
    const { code, ...problem } = body
    return isErrorCode(code) ? { ...problem, code } : undefined
  } catch {
    return undefined // not even JSON: no problem that a client could read
  }
}
