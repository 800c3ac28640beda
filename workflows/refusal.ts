import { ActivityFailure, ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'

/** The service has understood and says no: trying again would change nothing. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof ActivityFailure &&
  error.cause instanceof ApplicationFailure &&
  error.cause.type === FAILURE.refused
