/** What calls to the services behind the gateway have in common: where they go, and how they fail. */
import type { ServiceName } from '#contracts/services.ts'
import { isCircuitOpen, isTimeout, type Breaker } from '#platform/outbound/breaker.ts'
import { ProblemError } from '#platform/problem.ts'
import type { ServiceTokenSigner } from '#platform/service-token.ts'
import { NOT_SENT_CODES } from '#platform/outbound/not-sent.ts'

export interface UpstreamOptions {
  service: ServiceName
  /** `http://127.0.0.1:8081` */
  url: string
  signer: Pick<ServiceTokenSigner, 'sign'>
  /** Must not count a `ClientGoneError` against the service. */
  breaker: Breaker
  timeoutMs: number
}

/** The client hung up: nobody is at fault and nobody hears the answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
}

/** A service answered with something that no client can use. */
export class UnusableAnswerError extends Error {
  override readonly name = 'UnusableAnswerError'
}

export const PROBLEM_TYPE = 'application/problem+json'
const NOTHING_HAPPENED = 'nothing has happened'

/** A failed call as the client is told of it. A call that only asked has changed nothing, however it failed. */
export function upstreamProblem(
  { service, timeoutMs }: Pick<UpstreamOptions, 'service' | 'timeoutMs'>,
  cause: unknown,
  { onlyAsked = false } = {},
): ProblemError {
  if (isCircuitOpen(cause)) {
    return new ProblemError('unavailable', `The ${service} service is not asked while it fails.`, {
      cause,
      retryAfter: 2,
    })
  }
  if (isTimeout(cause) || hasCode(cause, (code) => code === 'UND_ERR_HEADERS_TIMEOUT')) {
    const effect = onlyAsked ? NOTHING_HAPPENED : 'it may still have acted'
    const detail = `The ${service} service took longer than ${timeoutMs / 1_000} s; ${effect}.`
    return new ProblemError('upstream_timeout', detail, { cause, retryAfter: 2 })
  }
  const detail = hasCode(cause, (code) => NOT_SENT_CODES.has(code))
    ? `The ${service} service cannot be reached; ${NOTHING_HAPPENED}.`
    : `The ${service} service gave no usable answer; ${onlyAsked ? NOTHING_HAPPENED : 'it may have acted'}.`
  return new ProblemError('upstream_unreachable', detail, { cause, retryAfter: 2 })
}

/** Looks at the error's code and those of its causes. */
function hasCode(error: unknown, matches: (code: string) => boolean): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && matches(at.code)) return true
  }
  return false
}
