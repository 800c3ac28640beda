/** What went wrong between a service and Temporal, in the terms of an API. */
import {
  isGrpcServiceError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { causesOf } from '../causes.ts'
import { ProblemError } from '../problem.ts'

const UNAVAILABLE_CODES = new Set([1, 4, 8, 14]) // cancelled, deadline exceeded, resource exhausted, unavailable

/** What the server itself answers to an Update of a crowd that no workflow task has looked at. */
const UNPROCESSED = 'UnprocessedUpdate'

/** What the server answers to an Update while the workflow's task is to be done over: no task has looked at it either. */
const TASK_FAILED = 'due to Workflow Task in failed state'

/** Whether Temporal, or the worker that should have answered, is away: the command may be sent again. */
export function isTemporalAway(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || wasNotProcessed(error)) return true
  if (causesOf(error).some((each) => String(each).includes(TASK_FAILED))) return true
  const fromServer = causesOf(error).find((each) => isGrpcServiceError(each))
  return fromServer !== undefined && UNAVAILABLE_CODES.has(fromServer.code)
}

/** Whether the server gave an Update back that the workflow never saw; the same id may be sent again. */
export const wasNotProcessed = (error: unknown): boolean => updateRefusal(error)?.type === UNPROCESSED

export const temporalAway = (cause: unknown): ProblemError =>
  new ProblemError('workflow_engine_unavailable', 'The command could not be handed over; send it again.', {
    cause,
    retryAfter: 2,
  })

/** The failure with which a workflow refused an Update, or undefined when the error is something else. */
export function updateRefusal(error: unknown): { type: string; message: string } | undefined {
  if (!(error instanceof WorkflowUpdateFailedError)) return undefined
  const { cause } = error
  if (!(cause instanceof ApplicationFailure)) return undefined
  return { type: cause.type ?? '', message: cause.message }
}
