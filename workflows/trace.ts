/** Passes the trace that a workflow was started with to everything it starts; holds no other state. */
import type { Payload } from '@temporalio/common'
import type { WorkflowInterceptorsFactory } from '@temporalio/workflow'
import { TRACE_HEADER } from '#contracts/trace.ts'

export const interceptors: WorkflowInterceptorsFactory = () => {
  let trace: Payload | undefined
  const withTrace = <T extends { headers: Record<string, Payload> }>(input: T): T =>
    trace === undefined ? input : { ...input, headers: { ...input.headers, [TRACE_HEADER]: trace } }
  return {
    inbound: [
      {
        execute(input, next) {
          trace = input.headers[TRACE_HEADER]
          return next(input)
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(withTrace(input)),
        scheduleLocalActivity: (input, next) => next(withTrace(input)),
        startChildWorkflowExecution: (input, next) => next(withTrace(input)),
        continueAsNew: (input, next) => next(withTrace(input)),
      },
    ],
  }
}
