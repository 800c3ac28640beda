import type { RouteContract } from '#contracts/http/route.ts'
import { ProblemError } from '../problem.ts'

/** 1 to 255 printable ASCII characters. */
const KEY = /^[\x20-\x7e]{1,255}$/

/** The Idempotency-Key of a request, by the rule of its route. */
export function readIdempotencyKey(
  { idempotency }: Pick<RouteContract, 'idempotency'>,
  header: string | string[] | undefined,
): string | undefined {
  const key = Array.isArray(header) ? header.join(',') : header
  if (idempotency === 'refused' && key !== undefined) {
    throw new ProblemError(
      'idempotency_key_refused',
      'This call deals with secrets: nothing of it is kept for repeats.',
    )
  }
  if (idempotency === undefined || idempotency === 'refused' || idempotency === 'unused') return undefined
  if (key === undefined) {
    if (idempotency === 'optional') return undefined
    throw new ProblemError(
      'idempotency_key_missing',
      'Send an Idempotency-Key header, a new one for each new intent.',
    )
  }
  if (!KEY.test(key)) {
    throw new ProblemError(
      'idempotency_key_invalid',
      'The Idempotency-Key must be 1 to 255 printable characters.',
    )
  }
  return key
}
