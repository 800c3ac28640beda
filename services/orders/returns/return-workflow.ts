/** The orders service's side of return workflows: starting and commanding them. */
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client'
import { TASK_QUEUES } from '#contracts/services.ts'
import {
  RETURN_WORKFLOW,
  returnWorkflowId,
  type ApproveReturnCommand,
  type CancelReturnCommand,
  type ReceiveReturnCommand,
  type RejectReturnCommand,
  type ReturnInput,
  type ReturnResult,
} from '#contracts/return-workflow.ts'
import type { OperateCommand } from '#contracts/workflows.ts'
import { ProblemError } from '#platform/problem.ts'
import { isTemporalAway, temporalAway, updateRefusal } from '#platform/temporal/errors.ts'

type ReturnWorkflow = (input: ReturnInput) => Promise<ReturnResult>

/** Well below the gateway's patience of ten seconds. */
const COMMAND_TIMEOUT_MS = 4_000

export type ReturnCommand =
  | { name: 'approve'; argument: ApproveReturnCommand }
  | { name: 'reject'; argument: RejectReturnCommand }
  | { name: 'receive'; argument: ReceiveReturnCommand }
  | { name: 'cancel'; argument: CancelReturnCommand }

export interface ReturnWorkflows {
  /** Starts the workflow; that it runs already is success. */
  start(input: ReturnInput): Promise<void>
  /**
   * Hands over a command and resolves when the workflow has taken it.
   *
   * @param handing whether a workflow that is not there is started: one that may not have been yet, or that takes up a
   *   return with this very command
   */
  command(
    input: ReturnInput,
    command: ReturnCommand,
    updateId: string,
    handing: { mayStart: boolean },
  ): Promise<void>
  /** Hands over an operator's answer to what the return asks. @returns whether there is such a workflow */
  operate(returnId: string, answer: OperateCommand, updateId: string): Promise<boolean>
}

const startOptions = (input: ReturnInput) =>
  ({
    taskQueue: TASK_QUEUES.orders,
    workflowId: returnWorkflowId(input.returnId),
    // the table decides that a return exists once; this only keeps a second start from doing anything
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    args: [input] as [ReturnInput],
    staticSummary: `Return of ${input.number}`,
    staticDetails: input.lines.map(({ sku, quantity }) => `- ${quantity} × ${sku}`).join('\n'),
  }) as const

export function createReturnWorkflows(client: Client): ReturnWorkflows {
  const handleOf = (returnId: string) => client.workflow.getHandle(returnWorkflowId(returnId))
  return {
    async start(input) {
      try {
        await client.workflow.start<ReturnWorkflow>(RETURN_WORKFLOW, startOptions(input))
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      }
    },
    async command(input, { name, argument }, updateId, { mayStart }) {
      const update = { updateId, args: [argument] as [typeof argument] }
      const startWorkflowOperation = () =>
        new WithStartWorkflowOperation<ReturnWorkflow>(RETURN_WORKFLOW, {
          ...startOptions(input),
          workflowIdConflictPolicy: 'USE_EXISTING',
        })
      const handOver = () =>
        mayStart
          ? client.workflow.executeUpdateWithStart<ReturnWorkflow, unknown, [typeof argument]>(name, {
              ...update,
              startWorkflowOperation: startWorkflowOperation(),
            })
          : handleOf(input.returnId).executeUpdate<unknown, [typeof argument]>(name, update)
      try {
        await client.withDeadline(Date.now() + COMMAND_TIMEOUT_MS, handOver)
      } catch (error) {
        if (isTemporalAway(error)) throw temporalAway(error)
        throw refusalOf(error) ?? error
      }
    },
    async operate(returnId, answer, updateId) {
      try {
        await client.withDeadline(Date.now() + COMMAND_TIMEOUT_MS, () =>
          handleOf(returnId).executeUpdate<void, [OperateCommand]>('operate', { updateId, args: [answer] }),
        )
        return true
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false
        if (isTemporalAway(error)) throw temporalAway(error)
        throw refusalOf(error) ?? error
      }
    },
  }
}

/** The codes of refusals by the workflow's validators. */
const REFUSALS = ['return_transition_refused', 'no_operation_waiting'] as const

/** A refusal by the workflow, also the one that a closed workflow gives by not running any more. */
function refusalOf(cause: unknown): ProblemError | undefined {
  if (cause instanceof WorkflowExecutionAlreadyStartedError)
    return new ProblemError('return_transition_refused', 'The return has come to its end.', { cause })
  if (cause instanceof WorkflowNotFoundError)
    return new ProblemError('return_transition_refused', 'The return is not being worked on any more.', {
      cause,
    })
  const refusal = updateRefusal(cause)
  const code = REFUSALS.find((known) => known === refusal?.type)
  return refusal === undefined || code === undefined
    ? undefined
    : new ProblemError(code, refusal.message, { cause })
}
