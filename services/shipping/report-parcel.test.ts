import {
  ServiceError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'
import { ApplicationFailure, WorkflowNotFoundError } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { createReportParcel } from './report-parcel.ts'

/** As gRPC says it: code 14 is UNAVAILABLE. */
const unreachable = Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: '', metadata: {} })

interface Sent {
  workflowId: string
  name: string
  options: unknown
}

function reportingTo(answer: () => Promise<unknown>) {
  const sent: Sent[] = []
  const client = {
    workflow: {
      getHandle: (workflowId: string) => ({
        executeUpdate(name: string, options: unknown) {
          sent.push({ workflowId, name, options })
          return answer()
        },
      }),
    },
    withDeadline: (_deadline: number, call: () => Promise<unknown>) => call(),
  }
  return {
    sent,
    reportParcel: createReportParcel(client as unknown as Parameters<typeof createReportParcel>[0]),
  }
}

const report = {
  shipmentId: 's-1',
  status: 'dispatched',
  at: '2026-11-23T12:00:00.000Z',
  source: 'courier',
} as const

describe('reportParcel', () => {
  it('is the same Update of the shipment’s workflow whenever it is repeated', async () => {
    const { sent, reportParcel } = reportingTo(() => Promise.resolve('dispatched'))
    expect(await reportParcel(report)).toEqual({ outcome: 'recorded' })
    await reportParcel({ ...report, at: '2026-11-23T13:00:00.000Z' })
    const [first, second] = sent
    expect(first).toEqual({
      workflowId: 'shipment-s-1',
      name: 'report',
      options: {
        args: [{ status: 'dispatched', at: '2026-11-23T12:00:00.000Z', source: 'courier' }],
        updateId: 's-1:dispatched',
      },
    })
    expect(second!.options).toMatchObject({ updateId: 's-1:dispatched' })
  })

  it('hands on why the workflow refused', async () => {
    const cause = ApplicationFailure.nonRetryable('The parcel is lost; it cannot become delivered.')
    const { reportParcel } = reportingTo(() =>
      Promise.reject(new WorkflowUpdateFailedError('refused', cause)),
    )
    expect(await reportParcel(report)).toEqual({
      outcome: 'refused',
      detail: 'The parcel is lost; it cannot become delivered.',
    })
  })

  it('is refused where no workflow waits', async () => {
    const { reportParcel } = reportingTo(() =>
      Promise.reject(new WorkflowNotFoundError('completed', 'shipment-s-1', undefined)),
    )
    expect((await reportParcel(report)).outcome).toBe('refused')
  })

  it('says that Temporal is away, or gave the news back unseen, and when to try again', async () => {
    const unseen = ApplicationFailure.nonRetryable('not processed by worker', 'UnprocessedUpdate')
    for (const failure of [
      new ServiceError('away', { cause: unreachable }),
      new WorkflowUpdateRPCTimeoutOrCancelledError('slow'),
      new WorkflowUpdateFailedError('Workflow Update failed', unseen),
    ]) {
      const { reportParcel } = reportingTo(() => Promise.reject(failure))
      await expect(reportParcel(report)).rejects.toMatchObject({
        code: 'workflow_engine_unavailable',
        status: 503,
        retryAfter: 2,
        cause: failure,
      })
    }
  })

  it('swallows nothing else', async () => {
    const mistake = new TypeError('a mistake of ours')
    const { reportParcel } = reportingTo(() => Promise.reject(mistake))
    await expect(reportParcel(report)).rejects.toBe(mistake)
  })
})
