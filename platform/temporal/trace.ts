/** The client's part of trace propagation; the workflow's is workflows/trace.ts, the activities' is activity.ts. */
import { defaultPayloadConverter, type Headers } from '@temporalio/common'
import type { WorkflowClientInterceptor } from '@temporalio/client'
import { TRACE_HEADER } from '#contracts/trace.ts'
import { currentTrace } from '../trace.ts'

function traced<T extends { headers: Headers }>(input: T): T {
  const trace = currentTrace()
  if (trace === undefined) return input
  const header = defaultPayloadConverter.toPayload(trace.traceparent)
  return { ...input, headers: { ...input.headers, [TRACE_HEADER]: header } }
}

/** Workflows belong to the trace of the call that started them. */
export const clientTraceInterceptor: WorkflowClientInterceptor = {
  startWithDetails: (input, next) => next(traced(input)),
  startUpdateWithStart: (input, next) =>
    next({ ...input, workflowStartHeaders: traced({ headers: input.workflowStartHeaders }).headers }),
}
