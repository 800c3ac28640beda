/** Errors that a client gets to see, as RFC 9457 problems. */
import { ERRORS, type ErrorCode } from '#contracts/errors.ts'
import type { Problem } from '#contracts/schemas.ts'
import type { FieldError } from './validation.ts'

export interface ProblemOptions {
  errors?: FieldError[]
  /** Seconds for a Retry-After header. */
  retryAfter?: number
  /** It is what an earlier call with the same Idempotency-Key was answered. */
  replayed?: boolean
  cause?: unknown
}

/**
 * @example throw new ProblemError('order_not_cancellable', 'The order is completed.')
 */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly code: ErrorCode
  readonly status: number
  readonly errors: FieldError[] | undefined
  readonly retryAfter: number | undefined
  readonly replayed: boolean

  constructor(code: ErrorCode, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = ERRORS[code].status
    this.errors = options.errors
    this.retryAfter = options.retryAfter
    this.replayed = options.replayed ?? false
  }

  /** The body that the client gets. */
  toBody(instance: string, requestId: string): Problem {
    return {
      type: `https://mainstay.dev/errors#${this.code}`,
      title: ERRORS[this.code].title,
      status: this.status,
      code: this.code,
      detail: this.message,
      instance,
      requestId,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
    }
  }
}

export const notFound = (what: string): ProblemError =>
  new ProblemError('not_found', `There is no such ${what}.`)
