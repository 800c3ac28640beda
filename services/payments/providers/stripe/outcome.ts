/** What an answer of Stripe's says about the call: https://docs.stripe.com/error-low-level */
import type { JsonAnswer } from '#platform/outbound/json-client.ts'
import { ValidationError } from '#platform/validation.ts'
import { AUTHORIZATION_EXPIRED, type ProviderOutcome } from '../provider.ts'
import { parseError, type ApiError } from './schemas.ts'

type Refusal = Exclude<ProviderOutcome, { outcome: 'succeeded' | 'requires_action' }>

/** Turned away before anything was looked at: wrong key, no permission, too many requests. */
const TURNED_AWAY = new Set([401, 403, 429])

/** Stripe's codes that the platform has a word of its own for. */
const CODES: Record<string, string> = {
  charge_expired_for_capture: AUTHORIZATION_EXPIRED,
  capture_charge_authorization_expired: AUTHORIZATION_EXPIRED,
  payment_intent_authentication_failure: 'authentication_failed',
}

/** What an answer other than success says. */
export function refusalOf({ status, body, headers }: JsonAnswer): Refusal {
  const error = readError(body)
  const cause = new Error(`Stripe answered ${status} ${error?.code ?? error?.type ?? ''}`.trimEnd())
  if (TURNED_AWAY.has(status)) return { outcome: 'not_sent', cause }
  // Stripe knows best: this answer is not the last word on that key
  if (headers.get('stripe-should-retry') === 'true') return { outcome: 'unknown', cause }
  // the first call with this key is still running, or the key came before with other parameters
  if (error === undefined || status === 409 || error.type === 'idempotency_error')
    return { outcome: 'unknown', cause }
  return { outcome: 'declined', code: codeOf(error) }
}

/** The reason in one word; a bank's own is more precise than Stripe's. */
export function codeOf({ code, decline_code: declined, param }: Partial<ApiError>): string {
  if (code === 'resource_missing' && param === 'payment_method') return 'payment_method_unknown'
  if (code !== undefined && CODES[code] !== undefined) return CODES[code]
  // banks that say no more than no
  if (declined !== undefined && declined !== 'generic_decline') return declined
  return code ?? 'refused'
}

function readError(body: unknown): ApiError | undefined {
  try {
    return parseError(body).error
  } catch (error) {
    if (error instanceof ValidationError) return undefined
    throw error
  }
}
