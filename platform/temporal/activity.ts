/** What every activity of the platform does besides its work: it belongs to its workflow's trace and shows that it lives. */
import { activityInfo, heartbeat } from '@temporalio/activity'
import { defaultPayloadConverter } from '@temporalio/common'
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker'
import { TRACE_HEADER } from '#contracts/trace.ts'
import type { Logger } from '../logger.ts'
import { continueTrace, withTrace } from '../trace.ts'

/** Well within the heartbeat timeout of workflows/doors.ts: a worker that died is noticed in seconds. */
const HEARTBEAT_MS = 3_000

export const createActivityInterceptor = (logger: Logger): ActivityInboundCallsInterceptor => ({
  execute(input, next) {
    const payload = input.headers[TRACE_HEADER]
    const traceparent =
      payload === undefined ? undefined : defaultPayloadConverter.fromPayload<string>(payload)
    return withTrace(continueTrace(traceparent), async () => {
      const info = activityInfo()
      const beating = info.isLocal ? undefined : setInterval(() => heartbeat(), HEARTBEAT_MS)
      try {
        return await next(input)
      } catch (error) {
        const workflowId = info.workflowExecution?.workflowId
        logger.warn(
          { err: error, activity: info.activityType, attempt: info.attempt, workflowId },
          'an attempt of an activity failed',
        )
        throw error
      } finally {
        clearInterval(beating)
      }
    })
  },
})
