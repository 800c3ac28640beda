/** Waits for people: what fails for good stops here until an operator's Update says what to do. */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  condition,
  patched,
  setHandler,
} from '@temporalio/workflow'
import type { OperateCommand } from '#contracts/workflows.ts'
import type { Answer, Journal } from './journal.ts'
import { operate } from './messages.ts'
import { reasonOf } from './reason.ts'

/** What an operator is asked about. */
export interface Concern {
  step: string
  operation: string
  /** Answers the question in the operator's place once something else has settled it. */
  settled?: () => { by: string; note: string } | undefined
}

export interface Operator {
  /** Puts before the operators what has failed for good; several questions are asked one after the other. */
  ask(concern: Concern, cause: unknown): Promise<'retry' | 'resolve'>
  /** Does what has to happen: again when an operator says so, until it is done or they have resolved it otherwise. */
  insist(concern: Concern, work: () => Promise<void>): Promise<'done' | 'resolved'>
}

/**
 * Accepts `operate` Updates. One that comes while nothing is asked, or that answers an earlier question than the open one,
 * is refused and leaves no trace.
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
      validator: ({ since }) => {
        const open = journal.attention
        if (open !== null && answer === undefined && (since === undefined || since === open.since)) return
        throw ApplicationFailure.nonRetryable(
          open === null || answer !== undefined
            ? 'The order waits for no operator.'
            : 'The order waits for another answer by now.',
          'no_operation_waiting',
        )
      },
    },
  )

  async function putBefore({ settled, ...concern }: Concern, cause: unknown): Promise<'retry' | 'resolve'> {
    if (settled?.() !== undefined) return 'resolve'
    const since = new Date().toISOString()
    await journal.raiseAttention({ ...concern, error: reasonOf(cause), attempts: triesOf(cause), since })
    await condition(() => answerNow() !== undefined)
    const { action, by, note } = answerNow() ?? { action: 'retry', by: '', note: '' }
    await journal.clearAttention({ action, by, note })
    answer = undefined
    return action

    function answerNow(): Answer | undefined {
      if (answer !== undefined) return answer
      const otherwise = settled?.()
      return otherwise === undefined ? undefined : { action: 'resolve', ...otherwise }
    }
  }

  /** What is refused for good is not tried again. */
  function triesOf(cause: unknown): number {
    if (cause instanceof ChildWorkflowFailure) return triesOf(cause.cause)
    const refused =
      cause instanceof ActivityFailure
        ? cause.retryState === 'NON_RETRYABLE_FAILURE'
        : cause instanceof ApplicationFailure && cause.nonRetryable === true
    return refused ? 1 : attempts
  }

  function ask(concern: Concern, cause: unknown): Promise<'retry' | 'resolve'> {
    let begun = false
    let withdrawn = false
    const asked = queue.then(() => {
      begun = true
      return withdrawn ? 'resolve' : CancellationScope.nonCancellable(() => putBefore(concern, cause))
    })
    queue = asked.catch(() => {})
    const { settled } = concern
    return settled === undefined ? asked : unlessSettled(settled)

    /** What something else has settled does not wait for its turn. */
    async function unlessSettled(isSettled: () => unknown): Promise<'retry' | 'resolve'> {
      await Promise.resolve() // where nobody else is asked, its turn comes at once
      await CancellationScope.nonCancellable(() => condition(() => begun || isSettled() !== undefined))
      withdrawn = !begun && patched('settled-questions-do-not-queue')
      return withdrawn ? 'resolve' : asked
    }
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
