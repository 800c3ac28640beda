/**
 * Accepts the `cancel` Update. It turns into a real cancellation of the workflow, the same that an operator can request in
 * the Temporal UI, so that a cancelled order closes as Cancelled.
 */
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { CancelCommand } from '#contracts/workflows.ts'
import { orders, ordersHere, untilDone } from './doors.ts'
import type { Journal } from './journal.ts'
import { cancel } from './messages.ts'

export interface Cancellation {
  /** A cancellation was asked for, by the Update or in the Temporal UI. */
  readonly wanted: boolean
  /** Who asked; an order that is cancelled in the Temporal UI does not know. */
  readonly by: string
  readonly reason: { code: 'cancelled'; message: string }
  /** What the Update does, for other answers that mean the same. */
  request(command: CancelCommand): Promise<void>
  /** The cancellation that was asked for, if one was: an accepted one stands, whatever else has happened. */
  asked(): Promise<CancelledFailure | undefined>
  /** Resolves once Temporal has kept the cancellation that is wanted: from then on nothing makes it not have been. */
  kept(): Promise<void>
  /** Throws CancelledFailure once a cancellation was asked for. */
  checkpoint(): Promise<void>
  /** From now on the Update is accepted only while this holds. */
  acceptWhile(holds: () => boolean): void
}

/** To be called in the workflow's outermost scope, which is the one that gets cancelled. */
export function acceptCancellation(journal: Journal): Cancellation {
  const outermost = CancellationScope.current()
  let command: CancelCommand | undefined
  let accepts = () => true

  async function request(given: CancelCommand): Promise<void> {
    command = given
    const { workflowId } = workflowInfo()
    await CancellationScope.nonCancellable(() =>
      cancellationDoor('request the cancellation').requestCancellation({ workflowId }),
    )
  }

  const cancellationDoor = (summary: string) =>
    followsAcceptance() ? orders(summary, untilDone) : ordersHere(summary)

  async function asked(): Promise<CancelledFailure | undefined> {
    // on its way, by the handler's activity
    if (command !== undefined) await outermost.cancelRequested.catch(() => {})
    return outermost.consideredCancelled ? new CancelledFailure('The order was cancelled.') : undefined
  }

  const cancellation: Cancellation = {
    get wanted() {
      return command !== undefined || outermost.consideredCancelled
    },
    get by() {
      return command?.by ?? 'temporal'
    },
    get reason() {
      return { code: 'cancelled' as const, message: command?.reason ?? 'The order was cancelled.' }
    },
    request,
    asked,
    async kept() {
      if (followsAcceptance()) await asked()
    },
    async checkpoint() {
      const cancelled = await asked()
      if (cancelled !== undefined) throw cancelled
    },
    acceptWhile(holds) {
      accepts = holds
    },
  }

  setHandler(cancel, request, {
    validator: (_request) => {
      if (accepts() && !cancellation.wanted) return
      const state = cancellation.wanted ? 'being cancelled' : journal.status
      throw ApplicationFailure.nonRetryable(`The order is ${state}.`, 'order_not_cancellable')
    },
  })
  return cancellation
}

/**
 * What a cancellation leads to comes after its acceptance: Temporal is asked by an activity, which it hands out together
 * with keeping the acceptance, and the status is written after that. Runs from before that asked and wrote inside the
 * workflow task; where that task was lost afterwards, the Update came again, found the order being cancelled by itself, and
 * was refused.
 */
const followsAcceptance = (): boolean => patched('cancellation-follows-its-acceptance')
