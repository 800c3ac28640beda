/** Tells a shipment's workflow where its parcel was seen; the workflow alone says whether that can be. */
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/common'
import { shipmentWorkflowId, type ParcelReport } from '#contracts/workflows.ts'
import { isTemporalAway, temporalAway } from '#platform/temporal/errors.ts'

export type ReportOutcome = { outcome: 'recorded' } | { outcome: 'refused'; detail: string }

/** @throws ProblemError `workflow_engine_unavailable` */
export type ReportParcel = (report: { shipmentId: string } & ParcelReport) => Promise<ReportOutcome>

const DEADLINE_MS = 5_000

/** The same report twice is one Update: its id is made of the shipment and the status. */
export const createReportParcel =
  (client: Pick<Client, 'workflow' | 'withDeadline'>): ReportParcel =>
  async ({ shipmentId, ...report }) => {
    const handle = client.workflow.getHandle(shipmentWorkflowId(shipmentId))
    try {
      await client.withDeadline(Date.now() + DEADLINE_MS, () =>
        handle.executeUpdate('report', { args: [report], updateId: `${shipmentId}:${report.status}` }),
      )
      return { outcome: 'recorded' }
    } catch (error) {
      if (isTemporalAway(error)) throw temporalAway(error)
      if (error instanceof WorkflowUpdateFailedError) {
        return { outcome: 'refused', detail: error.cause?.message ?? error.message }
      }
      if (error instanceof WorkflowNotFoundError) {
        return { outcome: 'refused', detail: 'Nobody waits for news of this parcel any more.' }
      }
      throw error
    }
  }
