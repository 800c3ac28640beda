/** Waits for people: what fails for good stops here until an operator's Update says what to do. */
import { ApplicationFailure, CancellationScope, condition, setHandler } from '@temporalio/workflow'
import type { OperateCommand } from '#contracts/workflows.ts'
import type { Journal } from './journal.ts'
import { operate } from './messages.ts'
import type { OperatorQuestion } from './saga.ts'

export interface Operator {
  /** Puts a question before the operators; several questions are asked one after the other. */
  ask(question: OperatorQuestion): Promise<'retry' | 'resolve'>
}

/** Accepts `operate` Updates; one that comes while nothing is asked is refused and leaves no trace. */
export function createOperator(journal: Journal): Operator {
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

  async function ask(question: OperatorQuestion): Promise<'retry' | 'resolve'> {
    await journal.raiseAttention({ ...question, since: new Date().toISOString() })
    await condition(() => answer !== undefined)
    const { action, by, note } = answer ?? { action: 'retry', by: '', note: '' }
    await journal.clearAttention({ action, by, note })
    answer = undefined
    return action
  }

  return {
    ask(question) {
      const asked = queue.then(() => CancellationScope.nonCancellable(() => ask(question)))
      queue = asked.catch(() => {})
      return asked
    },
  }
}
