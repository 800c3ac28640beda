/**
 * The saga helper. A step's compensation is registered before the step runs, so that a step whose outcome never became
 * known is undone too; compensations are no-ops when there is nothing to undo. They run in reverse, cannot be cancelled,
 * and none is swallowed: what stays impossible after long retries is put before an operator.
 */
import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow'
import { FAILURE } from '#contracts/workflows.ts'
import type { Operator } from './operator.ts'
import { reasonOf } from './reason.ts'
import type { StepName } from './steps.ts'

/** A step of the order's saga, unless another saga names its own. */
export interface Step<Result, Name extends string = StepName> {
  name: Name
  execute: () => Promise<Result>
  /** Why the service refused, where its answer is a refusal; the saga's caller decides what follows from that. */
  refusal?: (result: Result) => string | undefined
  /** Undoes the step, whatever became of it; or says which earlier step's compensation does so, or why nothing has to. */
  compensate: (() => Promise<void>) | { coveredBy: Name } | { nothingToUndo: string }
}

/** What a step leaves behind when it has begun. */
export type Undoable<Name extends string = StepName> = Pick<Step<never, Name>, 'name' | 'compensate'>

export interface StepOutcome {
  name: string
  status: 'completed' | 'refused' | 'failed' | 'compensated'
  detail: string | null
}

export interface SagaOptions {
  /** Told of each step's end, for the timeline. */
  onOutcome: (outcome: StepOutcome) => void
  /** Throws when the order was cancelled; called before every step. */
  checkpoint: () => Promise<void>
  /** Asks for compensations that stay impossible. */
  operator: Pick<Operator, 'insist'>
}

export interface Saga<Name extends string = StepName> {
  run<Result>(step: Step<Result, Name>): Promise<Result>
  /** Runs two steps at the same time. Both end before a failure of either is thrown. */
  runTogether<A, B>(first: Step<A, Name>, second: Step<B, Name>): Promise<[A, B]>
  /** Takes up what an earlier run had begun, in that order, without doing it again: what this run has not begun. */
  resume(steps: readonly Undoable<Name>[]): void
  /** Undoes every step that was begun, the last one first. */
  compensate(): Promise<void>
  /** The step that failed last, if one did. */
  readonly failedStep: string | undefined
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

export function createSaga<Name extends string = StepName>({
  onOutcome,
  checkpoint,
  operator,
}: SagaOptions): Saga<Name> {
  const begun: Undoable<Name>[] = []
  let failedStep: string | undefined

  async function run<Result>(step: Step<Result, Name>): Promise<Result> {
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
      failedStep = step.name
      throw error
    }
  }

  async function undo({ name, compensate }: Undoable<Name>): Promise<void> {
    if (typeof compensate !== 'function') return
    const undone = await operator.insist({ step: name, operation: 'compensate' }, compensate)
    if (undone === 'done') onOutcome({ name, status: 'compensated', detail: null })
  }

  return {
    get failedStep() {
      return failedStep
    },
    run,
    async runTogether(first, second) {
      const [a, b] = await Promise.allSettled([run(first), run(second)])
      if (a.status === 'rejected') {
        failedStep = first.name // whichever of the two ended last
        throw a.reason
      }
      if (b.status === 'rejected') throw b.reason
      return [a.value, b.value]
    },
    resume(steps) {
      begun.push(...steps.filter(({ name }) => begun.every((known) => known.name !== name)))
    },
    compensate: () =>
      CancellationScope.nonCancellable(async () => {
        for (let step = begun.pop(); step !== undefined; step = begun.pop()) await undo(step)
      }),
  }
}
