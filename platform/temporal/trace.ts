/** The worker's and the client's half of trace propagation; the workflow's half is workflows/trace.ts. */
import { defaultPayloadConverter, type Headers } from '@temporalio/common'
import type { WorkflowClientInterceptor } from '@temporalio/client'
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker'
import { TRACE_HEADER } from '#contracts/workflows.ts'
import { continueTrace, currentTrace, withTrace } from '../trace.ts'

/** Activities belong to the trace that their workflow was started with. */
export const activityTraceInterceptor: ActivityInboundCallsInterceptor = {
  execute(input, next) {
    const payload = input.headers[TRACE_HEADER]
    const traceparent =
      payload === undefined ? undefined : defaultPayloadConverter.fromPayload<string>(payload)
    return withTrace(continueTrace(traceparent), () => next(input))
  },
}

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
