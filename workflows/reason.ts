import { rootCause } from '@temporalio/workflow'

/** The message at the bottom of a chain of failures. */
export const reasonOf = (error: unknown): string => rootCause(error) ?? String(error)
