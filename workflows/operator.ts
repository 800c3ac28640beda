/** Waits for people: what fails for good stops here until an operator's Update says what to do. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  setHandler,
} from '@temporalio/workflow'
import type { OperateCommand } from '#contracts/workflows.ts'
import type { Journal } from './journal.ts'
import { operate } from './messages.ts'
import { reasonOf } from './reason.ts'

/** What an operator is asked about. */
export interface Concern {
  step: string
  operation: string
}

export interface Operator {
  /** Puts before the operators what has failed for good; several questions are asked one after the other. */
  ask(concern: Concern, cause: unknown): Promise<'retry' | 'resolve'>
  /** Does what has to happen: again when an operator says so, until it is done or they have resolved it otherwise. */
  insist(concern: Concern, work: () => Promise<void>): Promise<'done' | 'resolved'>
}

/**
 * Accepts `operate` Updates; one that comes while nothing is asked is refused and leaves no trace.
 *
 * @param attempts how often something is tried before an operator is asked, for them to know
 */
export function createOperator(journal: Journal, attempts: number): Operator {
  let answer: OperateCommand | undefined
  let queue: Promise<unknown> = Promise.resolve()

  setHandler(
    operate,
    (command) => {
      answer = command
      // resolves once the answer was taken and recorded; also when the order is being cancelled
      return CancellationScope.nonCancellable(() => condition(() => answer !== command))
    },
    {
      validator: (_command) => {
        if (journal.attention === null || answer !== undefined) {
          throw ApplicationFailure.nonRetryable('The order waits for no operator.', 'no_operation_waiting')
        }
      },
    },
  )

  async function putBefore(concern: Concern, cause: unknown): Promise<'retry' | 'resolve'> {
    const since = new Date().toISOString()
    await journal.raiseAttention({ ...concern, error: reasonOf(cause), attempts, since })
    await condition(() => answer !== undefined)
    const { action, by, note } = answer ?? { action: 'retry', by: '', note: '' }
    await journal.clearAttention({ action, by, note })
    answer = undefined
    return action
  }

  function ask(concern: Concern, cause: unknown): Promise<'retry' | 'resolve'> {
    const asked = queue.then(() => CancellationScope.nonCancellable(() => putBefore(concern, cause)))
    queue = asked.catch(() => {})
    return asked
  }

  return {
    ask,
    async insist(concern, work) {
      for (;;) {
        try {
          await work()
          return 'done'
        } catch (error) {
          if (!(error instanceof ActivityFailure || error instanceof ApplicationFailure)) throw error
          if ((await ask(concern, error)) === 'resolve') return 'resolved'
        }
      }
    },
  }
}
