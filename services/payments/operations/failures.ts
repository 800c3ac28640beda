/** Failures that a workflow retries; each says why, and how soon. */
import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'

/** Somebody else waits for the provider's answer about this payment. */
export const paymentInFlight = (key: string): ApplicationFailure =>
  ApplicationFailure.create({
    type: FAILURE.paymentInFlight,
    message: `${key} is in flight`,
    nonRetryable: false,
    nextRetryDelay: '1 second',
  })

/** The provider was called and nobody knows yet what it did; the next try asks. */
export const outcomeUnknown = (key: string, cause: unknown): ApplicationFailure =>
  ApplicationFailure.create({
    type: FAILURE.outcomeUnknown,
    message: `the outcome of ${key} is not known: ${cause instanceof Error ? cause.message : String(cause)}`,
    nonRetryable: false,
    ...(cause instanceof Error ? { cause } : {}),
  })

/** Nothing was sent: the provider cannot be reached. */
export class ProviderUnreachableError extends Error {
  override readonly name = 'ProviderUnreachableError'
}
