/** A parcel's workflow as its order has to do with it: the order's own child, or one that an earlier run had started. */
import {
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  startChild,
  WorkflowIdReusePolicy,
  type SignalDefinition,
} from '@temporalio/workflow'
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common'
import { TASK_QUEUES } from '#contracts/services.ts'
import {
  SHIPMENT_WORKFLOW,
  shipmentWorkflowId,
  type ParcelNews,
  type ShipmentInput,
  type ShipmentResult,
} from '#contracts/workflows.ts'
import { shipping, untilDone } from './doors.ts'
import { cancelShipment, tellOfEnd } from './messages.ts'
import type { shipment } from './shipment.ts'

export interface ParcelWorkflow {
  /** Rejects with ChildWorkflowFailure when the workflow has failed. */
  result: Promise<ShipmentResult>
  /**
   * The parcel is not wanted any more: its result says whether that was in time, or the signal `parcelKept` that it was not.
   *
   * @throws ApplicationFailure when the workflow has ended without saying what became of the parcel
   */
  cancel(reason: string): Promise<void>
}

/** What is said of the parcel apart from its workflow's result. */
export interface ParcelWord {
  hear(news: ParcelNews): void
  /** Resolves when it has said how the parcel ended. */
  end: Promise<ShipmentResult>
}

/**
 * The parcel goes on whatever becomes of the order's workflow: it is on a van, not in a database. So it may be there already
 * when the order was reset.
 *
 * @throws ApplicationFailure when it is there, and has ended without saying what became of the parcel
 */
export async function startParcel(input: ShipmentInput, word: ParcelWord): Promise<ParcelWorkflow> {
  try {
    const child = await startChild<typeof shipment>(SHIPMENT_WORKFLOW, {
      workflowId: shipmentWorkflowId(input.shipmentId),
      taskQueue: TASK_QUEUES.shipping,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      staticSummary: `Parcel of ${input.number} from ${input.warehouse}`,
    })
    return {
      // its end is reported to the run that waits for it, and was lost when there was none at that moment
      result: Promise.race([child.result(), word.end]),
      cancel: (reason) => child.signal(cancelShipment, { reason }).catch(endedMeanwhile),
    }
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    return joinParcel(input, word)
  }
}

/** Its result goes to the run that started it, so it is asked to say how it ends; what was before, shipping knows. */
async function joinParcel({ shipmentId }: ShipmentInput, word: ParcelWord): Promise<ParcelWorkflow> {
  const running = getExternalWorkflowHandle(shipmentWorkflowId(shipmentId))
  await say(tellOfEnd)
  return { result: word.end, cancel: (reason) => say(cancelShipment, { reason }) }

  async function say<Args extends unknown[]>(signal: SignalDefinition<Args>, ...args: Args): Promise<void> {
    let listens = true
    await running.signal(signal, ...args).catch((error: unknown) => {
      endedMeanwhile(error)
      listens = false
    })
    const { status } = await shipping('where is the parcel', untilDone).locateParcel({ shipmentId })
    if (status !== 'pending' && status !== 'booked') word.hear({ shipmentId, status })
    if (listens || status === 'delivered' || status === 'lost' || status === 'cancelled') return
    throw ApplicationFailure.nonRetryable(`the workflow of the parcel, which is ${status}, has ended`)
  }
}

/** A workflow that cannot be told any more has ended, and its result says how. */
function endedMeanwhile(error: unknown): void {
  if (isCancellation(error)) throw error
}
