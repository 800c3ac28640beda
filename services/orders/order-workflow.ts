/** The orders service's side of its workflows: starting, commanding and cancelling them. */
import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client'
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common'
import { formatMoney } from '#contracts/money.ts'
import { TASK_QUEUES } from '#contracts/services.ts'
import {
  FIRST_STEP,
  ORDER_WORKFLOW,
  orderWorkflowId,
  type CancelCommand,
  type OperateCommand,
  type OrderInput,
  type OrderResult,
} from '#contracts/workflows.ts'
import { ProblemError } from '#platform/problem.ts'
import { isTemporalAway, temporalAway, updateRefusal } from '#platform/temporal/errors.ts'

type OrderWorkflow = (input: OrderInput) => Promise<OrderResult>

/** Well below the gateway's patience of ten seconds: the client is told 503 and to come again, not 504. */
const COMMAND_TIMEOUT_MS = 4_000

const orderStatus = defineSearchAttributeKey('OrderStatus', SearchAttributeType.KEYWORD)
const orderStep = defineSearchAttributeKey('OrderStep', SearchAttributeType.KEYWORD)
const needsAttention = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL)
const customerId = defineSearchAttributeKey('CustomerId', SearchAttributeType.KEYWORD)
const orderTotal = defineSearchAttributeKey('OrderTotal', SearchAttributeType.INT)

/** How an order's workflow is started; the same whoever starts it first. */
function startOptions(input: OrderInput): WorkflowStartOptions<OrderWorkflow> {
  const units = input.lines.reduce((sum, { quantity }) => sum + quantity, 0)
  return {
    taskQueue: TASK_QUEUES.orders,
    workflowId: orderWorkflowId(input.orderId),
    // the orders table decides that an order exists once; this only keeps a second start from doing anything
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    args: [input],
    staticDetails: input.lines.map(({ sku, quantity }) => `- ${quantity} × ${sku}`).join('\n'),
    staticSummary: `${input.number}: ${units} units, ${formatMoney(input.total, input.currency)}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: orderStatus, value: FIRST_STEP.status },
      { key: orderStep, value: FIRST_STEP.step },
      { key: needsAttention, value: false },
      { key: customerId, value: input.customerId },
      { key: orderTotal, value: input.total },
    ]),
  }
}

export interface OrderWorkflows {
  /** Starts the workflow; that it runs already is success. */
  start(input: OrderInput): Promise<void>
  /** Hands over a command and resolves when the workflow has taken it; starts the workflow if need be. */
  command(input: OrderInput, command: OrderCommand, updateId: string): Promise<void>
  requestCancellation(workflowId: string): Promise<void>
}

export type OrderCommand =
  { name: 'cancel'; argument: CancelCommand } | { name: 'operate'; argument: OperateCommand }

/** The codes of refusals by the workflow's validators. */
const REFUSALS = ['order_not_cancellable', 'no_operation_waiting'] as const

export function createOrderWorkflows(client: Client): OrderWorkflows {
  async function update(
    input: OrderInput,
    { name, argument }: OrderCommand,
    updateId: string,
  ): Promise<void> {
    await client.withDeadline(Date.now() + COMMAND_TIMEOUT_MS, () =>
      // completed, not only accepted: a handle does not throw that the validator refused until its result is asked for
      client.workflow.executeUpdateWithStart(name, {
        updateId,
        args: [argument],
        startWorkflowOperation: new WithStartWorkflowOperation<OrderWorkflow>(ORDER_WORKFLOW, {
          ...startOptions(input),
          workflowIdConflictPolicy: 'USE_EXISTING',
        }),
      }),
    )
  }

  return {
    async start(input) {
      try {
        await client.workflow.start<OrderWorkflow>(ORDER_WORKFLOW, startOptions(input))
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      }
    },
    async command(input, command, updateId) {
      try {
        await update(input, command, updateId)
      } catch (error) {
        if (isTemporalAway(error)) throw temporalAway(error)
        throw refusalOf(command, error) ?? error
      }
    },
    async requestCancellation(workflowId) {
      await client.workflow.getHandle(workflowId).cancel()
    },
  }
}

/** A refusal by the workflow, also the one that a closed workflow gives by not running any more. */
function refusalOf({ name }: OrderCommand, error: unknown): ProblemError | undefined {
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    const code = name === 'cancel' ? 'order_not_cancellable' : 'no_operation_waiting'
    return new ProblemError(code, 'The order has come to its end.', { cause: error })
  }
  const refusal = updateRefusal(error)
  const code = REFUSALS.find((known) => known === refusal?.type)
  if (refusal === undefined || code === undefined) return undefined
  return new ProblemError(code, refusal.message, { cause: error })
}
