import { randomUUID } from 'node:crypto'
import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'
import { afterAll, describe, expect, it, vi } from 'vitest'
import type { AmendResult, OrderInput } from '#contracts/workflows.ts'
import { createOrderWorkflows, type OrderCommand } from './order-workflow.ts'

const input: OrderInput = {
  orderId: randomUUID(),
  number: 'M-100001',
  customerId: randomUUID(),
  currency: 'EUR',
  total: 853,
  shipping: 490,
  shippingTax: 0,
  lines: [{ sku: 'TEE', quantity: 2, total: 300, tax: 63 }],
  paymentMethod: 'pm_card_visa',
  policy: { stepAttempts: 1, compensationAttempts: 1, maximumIntervalSeconds: 1 },
}
const cancel: OrderCommand = { name: 'cancel', argument: { by: 'someone', reason: null } }
const operate: OrderCommand = { name: 'operate', argument: { action: 'retry', by: 'op', note: 'n' } }

// a connection that is only opened where nobody listens: what Temporal answers is said by each test
const connection = Connection.lazy({ address: '127.0.0.1:1' })
afterAll(() => connection.close())

/** Workflows behind a client whose server gives one answer. */
function workflowsWith(failure: Error) {
  const client = new Client({ connection })
  vi.spyOn(client.workflow, 'executeUpdateWithStart').mockRejectedValue(failure)
  vi.spyOn(client.workflow, 'startUpdateWithStart').mockRejectedValue(failure)
  vi.spyOn(client.workflow, 'start').mockRejectedValue(failure)
  return createOrderWorkflows(client)
}

const starting = { mayStart: true }

const refusal = (type: string) =>
  new WorkflowUpdateFailedError('refused', ApplicationFailure.nonRetryable('The parcel has left.', type))

const decide: OrderCommand = { name: 'decide', argument: { decision: 'wait', by: 'someone' } }
const pay: OrderCommand = {
  name: 'changePaymentMethod',
  argument: { paymentMethod: 'pm_card_visa', by: 'someone' },
}

describe('a command', () => {
  it.each([
    [cancel, 'order_not_cancellable'],
    [decide, 'no_decision_waiting'],
    [decide, 'decision_not_possible'],
    [pay, 'no_payment_method_waiting'],
    [operate, 'no_operation_waiting'],
  ] as const)('that the workflow refuses is a 409 with its code and words (%#)', async (command, code) => {
    const handing = workflowsWith(refusal(code)).command(input, command, 'u', starting)
    await expect(handing).rejects.toMatchObject({ code, status: 409, message: 'The parcel has left.' })
  })

  it.each([
    [cancel, 'order_not_cancellable'],
    [operate, 'no_operation_waiting'],
  ] as const)('to a workflow that has ended is a 409 too (%#)', async (command, code) => {
    const ended = new WorkflowExecutionAlreadyStartedError('closed', `order-${input.orderId}`, 'order')
    await expect(workflowsWith(ended).command(input, command, 'u', starting)).rejects.toMatchObject({
      code,
      status: 409,
    })
  })

  it.each([
    ['nobody answers in time', new WorkflowUpdateRPCTimeoutOrCancelledError('no worker')],
    ['the server gives it back unseen', refusal('UnprocessedUpdate')],
  ])('is 503 with Retry-After when %s', async (_what, failure) => {
    await expect(workflowsWith(failure).command(input, cancel, 'u', starting)).rejects.toMatchObject({
      code: 'workflow_engine_unavailable',
      status: 503,
      retryAfter: 2,
    })
  })

  it.each([1, 4, 8, 14])(
    'is 503 when Temporal answers with the gRPC status %i, however deep',
    async (code) => {
      const unavailable = Object.assign(new Error('away'), { code, details: 'away', metadata: {} })
      const failure = new Error('the call failed', { cause: unavailable })
      await expect(workflowsWith(failure).command(input, cancel, 'u', starting)).rejects.toMatchObject({
        status: 503,
        retryAfter: 2,
      })
    },
  )

  it.each([refusal('something_else'), new Error('a bug')])(
    'fails as it is for what is no refusal (%#)',
    async (failure) => {
      await expect(workflowsWith(failure).command(input, cancel, 'u', starting)).rejects.toBe(failure)
    },
  )
})

describe('to an order that is far along', () => {
  const far = { mayStart: false }
  const gone = new WorkflowNotFoundError('not found', `order-${input.orderId}`, '')

  function withoutWorkflow() {
    const client = new Client({ connection })
    const starts = [
      vi.spyOn(client.workflow, 'executeUpdateWithStart'),
      vi.spyOn(client.workflow, 'startUpdateWithStart'),
    ]
    const executeUpdate = vi.fn<WorkflowHandle['executeUpdate']>().mockRejectedValue(gone)
    const startUpdate = vi.fn<WorkflowHandle['startUpdate']>().mockRejectedValue(gone)
    vi.spyOn(client.workflow, 'getHandle').mockReturnValue({ executeUpdate, startUpdate } as never)
    return { workflows: createOrderWorkflows(client), starts, executeUpdate }
  }

  it('a command starts no workflow in place of one that Temporal has forgotten', async () => {
    const { workflows, starts, executeUpdate } = withoutWorkflow()
    await expect(workflows.command(input, cancel, 'u', far)).rejects.toMatchObject({
      code: 'order_not_cancellable',
      status: 409,
    })
    expect(executeUpdate).toHaveBeenCalledExactlyOnceWith('cancel', {
      updateId: 'u',
      args: [cancel.argument],
    })
    for (const start of starts) expect(start).not.toHaveBeenCalled()
  })

  it('nor does an amendment', async () => {
    const { workflows, starts } = withoutWorkflow()
    const amending = workflows.amend(input, { amendmentId: randomUUID(), by: 'someone' }, far)
    await expect(amending).rejects.toMatchObject({ code: 'order_not_amendable' })
    for (const start of starts) expect(start).not.toHaveBeenCalled()
  })
})

describe('news of a parcel', () => {
  const news = { shipmentId: randomUUID(), status: 'delivered' } as const
  const told = (outcome: Promise<unknown>) => {
    const client = new Client({ connection })
    const executeUpdate = vi.fn<WorkflowHandle['executeUpdate']>().mockReturnValue(outcome)
    vi.spyOn(client.workflow, 'getHandle').mockReturnValue({ executeUpdate } as never)
    return { executeUpdate, answer: createOrderWorkflows(client).hearOfParcel(input.orderId, news) }
  }

  it('are news to the order that takes them', async () => {
    const { answer, executeUpdate } = told(Promise.resolve())
    expect(await answer).toBe(true)
    expect(executeUpdate).toHaveBeenCalledExactlyOnceWith('hearOfParcel', { args: [news] })
  })

  it.each([refusal('parcel_news_known'), new WorkflowNotFoundError('ended', `order-${input.orderId}`, '')])(
    'are none to one that refuses them or has ended (%#)',
    async (failure) => {
      expect(await told(Promise.reject(failure)).answer).toBe(false)
    },
  )

  it('fail where nobody answers', async () => {
    const failure = new WorkflowUpdateRPCTimeoutOrCancelledError('no worker')
    await expect(told(Promise.reject(failure)).answer).rejects.toBe(failure)
  })
})

describe('an amendment', () => {
  const amendment = { amendmentId: randomUUID(), by: 'someone' }

  /** The Update is accepted, and this comes of it. */
  function accepted(result: Promise<AmendResult>) {
    const client = new Client({ connection })
    const start = vi.spyOn(client.workflow, 'startUpdateWithStart')
    start.mockResolvedValue({ result: () => result } as never)
    return { start, workflows: createOrderWorkflows(client) }
  }

  it('is an Update of its own id, and its result is the answer', async () => {
    const applied = { outcome: 'applied' } as const
    const { start, workflows } = accepted(Promise.resolve(applied))
    expect(await workflows.amend(input, amendment, starting)).toEqual(applied)
    expect(start).toHaveBeenCalledExactlyOnceWith(
      'amend',
      expect.objectContaining({
        updateId: amendment.amendmentId,
        args: [amendment],
        waitForStage: 'ACCEPTED',
      }),
    )
  })

  it('that was accepted and is not done yet has no answer', async () => {
    const { workflows } = accepted(Promise.reject(new WorkflowUpdateRPCTimeoutOrCancelledError('later')))
    expect(await workflows.amend(input, amendment, starting)).toBeUndefined()
  })

  it('that was not even accepted in time is 503, and one that is refused 409', async () => {
    const away = new WorkflowUpdateRPCTimeoutOrCancelledError('no worker')
    await expect(workflowsWith(away).amend(input, amendment, starting)).rejects.toMatchObject({ status: 503 })
    const unseen = accepted(Promise.reject(refusal('UnprocessedUpdate')))
    await expect(unseen.workflows.amend(input, amendment, starting)).rejects.toMatchObject({ status: 503 })
    const { workflows } = accepted(Promise.reject(refusal('order_not_amendable')))
    await expect(workflows.amend(input, amendment, starting)).rejects.toMatchObject({
      status: 409,
      code: 'order_not_amendable',
    })
  })
})

describe('a start', () => {
  it('is a success when the workflow runs already or did', async () => {
    const running = new WorkflowExecutionAlreadyStartedError('running', `order-${input.orderId}`, 'order')
    await expect(workflowsWith(running).start(input)).resolves.toBeUndefined()
  })

  it('fails with what else is wrong', async () => {
    const failure = new Error('away')
    await expect(workflowsWith(failure).start(input)).rejects.toBe(failure)
  })

  it('carries no personal data, and the same whoever starts', async () => {
    const client = new Client({ connection })
    const start = vi.spyOn(client.workflow, 'start').mockRejectedValue(new Error('seen enough'))
    await createOrderWorkflows(client)
      .start(input)
      .catch(() => {})
    expect(start).toHaveBeenCalledExactlyOnceWith(
      'order',
      expect.objectContaining({
        workflowId: `order-${input.orderId}`,
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        staticSummary: 'M-100001: 2 units, 8.53 EUR',
        args: [input],
      }),
    )
  })
})
