/** The orders service's side of its workflows: starting, commanding and cancelling them. */
import {
  WithStartWorkflowOperation,
  WorkflowNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client'
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common'
import { formatMoney } from '#contracts/money.ts'
import { TASK_QUEUES } from '#contracts/services.ts'
import { FIRST_STEP } from '#contracts/search-attributes.ts'
import type { OrderStatus } from '#contracts/states.ts'
import {
  ORDER_WORKFLOW,
  orderWorkflowId,
  type AmendCommand,
  type AmendResult,
  type CancelCommand,
  type ChangePaymentMethodCommand,
  type DecideCommand,
  type OperateCommand,
  type OrderInput,
  type OrderResult,
  type ParcelNews,
} from '#contracts/workflows.ts'
import { ProblemError } from '#platform/problem.ts'
import { isTemporalAway, temporalAway, updateRefusal, wasNotProcessed } from '#platform/temporal/errors.ts'

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
  /** Hands over a command and resolves when the workflow has taken it. */
  command(input: OrderInput, command: OrderCommand, updateId: string, handing: Handing): Promise<void>
  /** Hands over an amendment and waits a moment for what becomes of it. @returns undefined while it waits its turn */
  amend(input: OrderInput, command: AmendCommand, handing: Handing): Promise<AmendResult | undefined>
  /** Tells the workflow that what it waits for may be there; that it has ended is fine. */
  signal(orderId: string, signal: OrderSignal): Promise<void>
  /** Tells the workflow where its parcel is. @returns whether that was news to it */
  hearOfParcel(orderId: string, news: ParcelNews): Promise<boolean>
  requestCancellation(workflowId: string): Promise<void>
}

export interface Handing {
  /**
   * Whether a workflow that is not there is started: one that may not have been yet. One that Temporal has forgotten did
   * things that its successor would not know of.
   */
  mayStart: boolean
}

/** Nothing was done for such an order that its workflow, started once more, would not find. */
export const isFresh = (status: OrderStatus): boolean => status === 'placed' || status === 'reserving'

export type OrderSignal = 'stockHeld' | 'paymentSettled'

export type OrderCommand =
  | { name: 'cancel'; argument: CancelCommand }
  | { name: 'decide'; argument: DecideCommand }
  | { name: 'changePaymentMethod'; argument: ChangePaymentMethodCommand }
  | { name: 'operate'; argument: OperateCommand }

/** What a command is refused with that comes after the order's end. */
export const REFUSED_AT_THE_END = {
  cancel: 'order_not_cancellable',
  decide: 'no_decision_waiting',
  changePaymentMethod: 'no_payment_method_waiting',
  amend: 'order_not_amendable',
  operate: 'no_operation_waiting',
} as const

/** The codes of refusals by the workflow's validators. */
const REFUSALS = [...Object.values(REFUSED_AT_THE_END), 'decision_not_possible'] as const

export function createOrderWorkflows(client: Client): OrderWorkflows {
  const startOperation = (input: OrderInput) =>
    new WithStartWorkflowOperation<OrderWorkflow>(ORDER_WORKFLOW, {
      ...startOptions(input),
      workflowIdConflictPolicy: 'USE_EXISTING',
    })

  const handleOf = ({ orderId }: OrderInput) => client.workflow.getHandle(orderWorkflowId(orderId))

  const soon = <R>(call: () => Promise<R>): Promise<R> =>
    client.withDeadline(Date.now() + COMMAND_TIMEOUT_MS, call)

  /** Turns what went wrong into what the caller is told. */
  async function handOver<R>(name: keyof typeof REFUSED_AT_THE_END, call: () => Promise<R>): Promise<R> {
    try {
      return await soon(call)
    } catch (error) {
      if (isTemporalAway(error)) throw temporalAway(error)
      throw refusalOf(name, error) ?? error
    }
  }

  return {
    async start(input) {
      try {
        await client.workflow.start<OrderWorkflow>(ORDER_WORKFLOW, startOptions(input))
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      }
    },
    command: (input, { name, argument }, updateId, { mayStart }) =>
      // completed, not only accepted: a handle does not throw that the validator refused until its result is asked for
      handOver(name, () => {
        const update = { updateId, args: [argument] as [typeof argument] }
        return mayStart
          ? client.workflow.executeUpdateWithStart<OrderWorkflow, void, [typeof argument]>(name, {
              ...update,
              startWorkflowOperation: startOperation(input),
            })
          : handleOf(input).executeUpdate<void, [typeof argument]>(name, update)
      }),
    async amend(input, command, { mayStart }) {
      const handle = await handOver('amend', () => {
        const update = {
          updateId: command.amendmentId,
          args: [command] as [AmendCommand],
          waitForStage: 'ACCEPTED' as const,
        }
        return mayStart
          ? client.workflow.startUpdateWithStart<OrderWorkflow, AmendResult, [AmendCommand]>('amend', {
              ...update,
              startWorkflowOperation: startOperation(input),
            })
          : handleOf(input).startUpdate<AmendResult, [AmendCommand]>('amend', update)
      })
      return handOver('amend', () => handle.result()).catch((error: unknown) => {
        // accepted, and not done within the moment: it waits its turn
        const isLate = error instanceof ProblemError && error.code === 'workflow_engine_unavailable'
        if (isLate && !wasNotProcessed(error.cause)) return undefined
        throw error
      })
    },
    async signal(orderId, signal) {
      try {
        await soon(() => client.workflow.getHandle(orderWorkflowId(orderId)).signal(signal, { orderId }))
      } catch (error) {
        if (!isGone(error)) throw error
      }
    },
    async hearOfParcel(orderId, news) {
      const order = client.workflow.getHandle(orderWorkflowId(orderId))
      try {
        await soon(() => order.executeUpdate<void, [ParcelNews]>('hearOfParcel', { args: [news] }))
        return true
      } catch (error) {
        if (isGone(error) || updateRefusal(error)?.type === 'parcel_news_known') return false
        throw error
      }
    },
    async requestCancellation(workflowId) {
      await client.workflow.getHandle(workflowId).cancel()
    },
  }
}

/** There is no such workflow, or it has ended. */
const isGone = (error: unknown): boolean => error instanceof WorkflowNotFoundError

/** A refusal by the workflow, also the one that a closed workflow gives by not running any more. */
function refusalOf(name: keyof typeof REFUSED_AT_THE_END, error: unknown): ProblemError | undefined {
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new ProblemError(REFUSED_AT_THE_END[name], 'The order has come to its end.', { cause: error })
  }
  if (isGone(error))
    return new ProblemError(REFUSED_AT_THE_END[name], 'The order is not being worked on any more.', {
      cause: error,
    })
  const refusal = updateRefusal(error)
  const code = REFUSALS.find((known) => known === refusal?.type)
  if (refusal === undefined || code === undefined) return undefined
  return new ProblemError(code, refusal.message, { cause: error })
}
