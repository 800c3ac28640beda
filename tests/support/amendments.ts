/** Amendments of the orders of a saga bench: what each makes of an order of two mugs, by its id. */
import type { WorkflowHandle } from '@temporalio/client'
import type { AmendResult, OrderTerms } from '#contracts/workflows.ts'
import { termsOf, waiting, type SagaBench } from './saga.ts'

const CHANGES: Record<string, OrderTerms> = { more: termsOf(3), less: termsOf(1), most: termsOf(5) }

/** Long enough for a test to send its amendments, and then waited out. */
export const WINDOW = waiting({ amendmentSeconds: 4 })

export interface AmendmentBench {
  /** From now on amendments are quoted: `more`, `less`, `most`; any other is of the address alone. */
  quotes(): void
  amend(handle: WorkflowHandle, amendmentId: string): Promise<AmendResult>
  /** An order that waits for amendments. */
  confirmed(): ReturnType<SagaBench['start']>
  /** Delivers the order's parcel and waits for its end. */
  ends(handle: WorkflowHandle): Promise<unknown>
}

export function openAmendments(saga: SagaBench): AmendmentBench {
  function quotes(): void {
    saga.answers.quoteAmendment = async ({ amendmentId }) => ({
      outcome: 'possible',
      terms: CHANGES[amendmentId] ?? termsOf(2),
      linesChanged: amendmentId in CHANGES,
    })
  }
  return {
    quotes,
    amend: (handle, amendmentId) => saga.update(handle, 'amend', { amendmentId, by: 'customer' }),
    async confirmed() {
      quotes()
      const handle = await saga.start({ policy: WINDOW })
      await saga.reaches(handle, 'confirmed')
      return handle
    },
    async ends(handle) {
      await saga.deliver()
      return handle.result()
    },
  }
}
