/** A step that books a delivery slot, and a saga as small as one can be around it. Workflow code: deterministic. */
import { ApplicationFailure, proxyActivities } from '@temporalio/workflow'
import type { SagaPolicy } from '#contracts/workflows.ts'
import { asDuty, asStep } from '#workflows/doors.ts'
import { createSaga, SagaFailedError, type Step, type StepOutcome } from '#workflows/saga.ts'
import type { SlotActivities, SlotResult } from './slots.ts'

/** In workflows/doors.ts this is one line: `export const slots = door<SlotActivities>('slots')`. */
const slots = (summary: string, policy: SagaPolicy, retry: typeof asStep) =>
  proxyActivities<SlotActivities>({ startToCloseTimeout: '10s', retry: retry(policy) ?? {}, summary })

/** In workflows/steps.ts a line each, for the steps of the order's saga. */
type StepName = 'bookSlot' | 'loadVan'

export const bookSlot = (orderId: string, policy: SagaPolicy): Step<SlotResult, StepName> => ({
  name: 'bookSlot',
  execute: () => slots('book a delivery slot', policy, asStep).bookSlot({ orderId }),
  // an answer, not an error: it is never retried, and the caller decides what follows
  refusal: ({ outcome }) => (outcome === 'full' ? outcome : undefined),
  compensate: () => slots('give the slot back', policy, asDuty).releaseSlot({ orderId }),
})

export interface DeliveryInput {
  orderId: string
  policy: SagaPolicy
  /** Whether what comes after the slot fails for good. */
  fails: boolean
}

/** Answers with what became of its steps; throws SagaFailedError when it was undone. */
export async function delivery({ orderId, policy, fails }: DeliveryInput): Promise<StepOutcome[]> {
  const outcomes: StepOutcome[] = []
  const saga = createSaga<StepName>({
    onOutcome: (outcome) => outcomes.push(outcome),
    checkpoint: () => Promise.resolve(),
    operator: { insist: (_concern, work) => work().then(() => 'done') },
  })
  try {
    const slot = await saga.run(bookSlot(orderId, policy))
    if (slot.outcome !== 'booked') return outcomes
    await saga.run(loadVan(fails))
    return outcomes
  } catch (error) {
    await saga.compensate()
    throw new SagaFailedError(saga.failedStep ?? 'delivery', error)
  }
}

const loadVan = (fails: boolean): Step<void, StepName> => ({
  name: 'loadVan',
  async execute() {
    if (fails) throw ApplicationFailure.nonRetryable('The van is broken.')
  },
  compensate: { nothingToUndo: 'an empty van goes nowhere' },
})
