/**
 * The order saga: reserve stock and screen the customer, authorize the payment, confirm, let the customer change their mind
 * for a while, ship each parcel and capture its part of the money when it leaves. What fails before the confirmation is
 * undone; afterwards people decide. Shortages, approvals and declines wait for the customer on the way.
 */
import { allHandlersFinished, CancellationScope, condition, TemporalFailure } from '@temporalio/workflow'
import type { CancelledFailure } from '@temporalio/common'
import type { OrderInput, OrderResult } from '#contracts/workflows.ts'
import { accept, resumeAccepted } from './acceptance.ts'
import { refuseAmendments } from './amendments.ts'
import { settleConfirmed } from './confirmation.ts'
import { fulfil } from './fulfilment.ts'
import { openRun, type Rejection } from './run.ts'
import { SagaFailedError } from './saga.ts'

export async function order(input: OrderInput): Promise<OrderResult> {
  const run = openRun(input)
  const { journal, saga, cancellation, amendments } = run

  let rejection: Rejection | undefined
  try {
    if (input.resume?.point === 'amendments') resumeAccepted(run)
    else rejection = await accept(run)
    await cancellation.checkpoint()
    if (rejection === undefined) await settleConfirmed(run)
  } catch (error) {
    // continues as another run; or is a mistake in the code, for which no order is undone: the task waits for better code
    if (!(error instanceof TemporalFailure)) throw error
    stopListening()
    const cancelled = await cancellation.asked()
    return CancellationScope.nonCancellable(() =>
      cancelled === undefined ? undoFailed(error) : undoCancelled(cancelled),
    )
  }
  stopListening()
  // from here on the order is rejected or confirmed, and what comes late reaches only the parcels that have not left
  return CancellationScope.nonCancellable(() => (rejection === undefined ? ship() : reject(rejection)))

  function stopListening(): void {
    cancellation.acceptWhile(() => false)
    amendments.close()
  }

  async function ship(): Promise<OrderResult> {
    const parcels = await fulfil(run)
    const cancelled = await cancellation.asked()
    if (cancelled !== undefined && parcels.every(({ status }) => status === 'cancelled')) {
      return undoCancelled(cancelled)
    }
    await journal.enter('completed', 'completed')
    await condition(allHandlersFinished)
    return { status: 'completed', parcels }
  }

  async function reject({ code, message }: Rejection): Promise<OrderResult> {
    await undo()
    await journal.enter('rejected', 'rejected', { reason: { code, message } })
    await condition(allHandlersFinished)
    return { status: 'rejected', reason: code }
  }

  async function undoCancelled(error: CancelledFailure): Promise<never> {
    const { reason } = cancellation
    await journal.enter('cancelling', 'compensating', { reason })
    await undo()
    await journal.enter('cancelled', 'cancelled', { reason })
    await condition(allHandlersFinished)
    throw error
  }

  async function undoFailed(error: unknown): Promise<never> {
    const step = saga.failedStep ?? journal.step
    await undo()
    const message = `The step ${step} could not be done.`
    await journal.enter('rejected', 'rejected', { reason: { code: 'technical', message } })
    await condition(allHandlersFinished)
    throw new SagaFailedError(step, error)
  }

  async function undo(): Promise<void> {
    journal.at('compensating')
    // what an earlier run had begun is there, also where this one has not come to it again
    if (journal.isBehind) resumeAccepted(run)
    await saga.compensate()
    await refuseAmendments(run)
  }
}
