/**
 * The saga helper. A step's compensation is registered before the step runs, so that a step whose outcome never became
 * known is undone too; compensations are no-ops when there is nothing to undo. They run in reverse, cannot be cancelled,
 * and none is swallowed: what stays impossible after long retries is put before an operator.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  rootCause,
} from '@temporalio/workflow'
import { FAILURE } from '#contracts/workflows.ts'

export interface Step<Result> {
  name: string
  execute: () => Promise<Result>
  /** Why the service refused, where its answer is a refusal; the saga's caller decides what follows from that. */
  refusal?: (result: Result) => string | undefined
  /** Undoes the step, whatever became of it; or says which earlier step's compensation does so. */
  compensate: (() => Promise<void>) | { coveredBy: string }
}

/** What a step leaves behind when it has begun. */
type Undoable = Pick<Step<never>, 'name' | 'compensate'>

export interface StepOutcome {
  name: string
  status: 'completed' | 'refused' | 'failed' | 'compensated'
  detail: string | null
}

/** What an operator is asked when something has failed for good. */
export interface OperatorQuestion {
  step: string
  operation: string
  error: string
  attempts: number
}

export interface SagaOptions {
  /** Told of each step's end, for the timeline. */
  onOutcome: (outcome: StepOutcome) => void
  /** Throws when the order was cancelled; called before every step. */
  checkpoint: () => Promise<void>
  /** Waits for an operator; `retry` runs the compensation again, `resolve` goes on without it. */
  askOperator: (question: OperatorQuestion) => Promise<'retry' | 'resolve'>
  compensationAttempts: number
}

export interface Saga {
  run<Result>(step: Step<Result>): Promise<Result>
  /** Runs two steps at the same time. Both end before a failure of either is thrown. */
  runTogether<A, B>(first: Step<A>, second: Step<B>): Promise<[A, B]>
  /** Undoes every step that was begun, the last one first. */
  compensate(): Promise<void>
}

/** A saga that failed for a technical reason and was compensated. */
export class SagaFailedError extends ApplicationFailure {
  constructor(step: string, cause: unknown) {
    super(
      `The order failed in step ${step} and was undone: ${reasonOf(cause)}`,
      FAILURE.sagaFailed,
      true,
      [{ step }],
      cause instanceof Error ? cause : undefined,
    )
  }
}

/** The message at the bottom of a chain of failures. */
export const reasonOf = (error: unknown): string => rootCause(error) ?? String(error)

export function createSaga({ onOutcome, checkpoint, askOperator, compensationAttempts }: SagaOptions): Saga {
  const begun: Undoable[] = []

  async function run<Result>(step: Step<Result>): Promise<Result> {
    await checkpoint()
    begun.push(step)
    try {
      const result = await step.execute()
      const refusal = step.refusal?.(result)
      onOutcome({
        name: step.name,
        status: refusal === undefined ? 'completed' : 'refused',
        detail: refusal ?? null,
      })
      return result
    } catch (error) {
      if (!isCancellation(error)) onOutcome({ name: step.name, status: 'failed', detail: reasonOf(error) })
      throw error
    }
  }

  async function undo({ name, compensate }: Undoable): Promise<void> {
    if (typeof compensate !== 'function') return
    for (;;) {
      try {
        await compensate()
        onOutcome({ name, status: 'compensated', detail: null })
        return
      } catch (error) {
        if (!(error instanceof ActivityFailure)) throw error
        const question = {
          step: name,
          operation: 'compensate',
          error: reasonOf(error),
          attempts: compensationAttempts,
        }
        if ((await askOperator(question)) === 'resolve') return
      }
    }
  }

  return {
    run,
    async runTogether(first, second) {
      const [a, b] = await Promise.allSettled([run(first), run(second)])
      if (a.status === 'rejected') throw a.reason
      if (b.status === 'rejected') throw b.reason
      return [a.value, b.value]
    },
    compensate: () =>
      CancellationScope.nonCancellable(async () => {
        for (let step = begun.pop(); step !== undefined; step = begun.pop()) await undo(step)
      }),
  }
}
