/** Amendments of the orders of a saga bench: what each makes of an order of two mugs, by its id. */
import type { WorkflowHandle, WorkflowUpdateHandle } from '@temporalio/client'
import type { AmendCommand, AmendResult, OrderTerms, SagaPolicy } from '#contracts/workflows.ts'
import { termsOf, waiting, type SagaBench } from './saga.ts'

const CHANGES: Record<string, OrderTerms> = { more: termsOf(3), less: termsOf(1), most: termsOf(5) }

export interface AmendmentBench {
  /** From now on amendments are quoted: `more`, `less`, `most`; any other is of the address alone. */
  quotes(): void
  /** Resolves when the amendment is accepted. */
  send(handle: WorkflowHandle, amendmentId: string): Promise<WorkflowUpdateHandle<AmendResult>>
  /** Sends it, lets an order that waits for that be confirmed, and resolves when it is settled. */
  amend(handle: WorkflowHandle, amendmentId: string): Promise<AmendResult>
  /**
   * An order that is confirmed as soon as its first amendment is there, which therefore never comes too late. For others
   * there is a second, or what this policy says.
   */
  amendable(change?: Partial<SagaPolicy>): ReturnType<SagaBench['start']>
  /** An order that waits for amendments until it is cancelled. */
  confirmed(): ReturnType<SagaBench['start']>
  /** Delivers the order's parcel and waits for its end. */
  ends(handle: WorkflowHandle): Promise<unknown>
}

export function openAmendments(saga: SagaBench): AmendmentBench {
  let confirm = (): void => {}

  function quotes(): void {
    saga.answers.quoteAmendment = async ({ amendmentId }) => ({
      outcome: 'possible',
      terms: CHANGES[amendmentId] ?? termsOf(2),
      linesChanged: amendmentId in CHANGES,
    })
  }

  const send = (handle: WorkflowHandle, amendmentId: string) =>
    handle.startUpdate<AmendResult, [AmendCommand]>('amend', {
      args: [{ amendmentId, by: 'customer' }],
      waitForStage: 'ACCEPTED',
    })

  return {
    quotes,
    send,
    async amend(handle, amendmentId) {
      const update = await send(handle, amendmentId)
      confirm()
      return update.result()
    },
    async amendable(change = {}) {
      quotes()
      const { commitReservation } = saga.answers
      const amended = Promise.withResolvers<void>()
      confirm = amended.resolve
      saga.answers.commitReservation = async (reservation) => {
        await amended.promise
        return commitReservation(reservation)
      }
      const handle = await saga.start({ policy: { ...waiting({ amendmentSeconds: 1 }), ...change } })
      await saga.called('commitReservation')
      return handle
    },
    async confirmed() {
      quotes()
      const handle = await saga.start({ policy: waiting({ amendmentSeconds: 600 }) })
      await saga.reaches(handle, 'confirmed')
      return handle
    },
    async ends(handle) {
      await saga.deliver()
      return handle.result()
    },
  }
}
