import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import type { StockAnswer } from '#activities/inventory.ts'
import type { OrderInput, SagaPolicy } from '#contracts/workflows.ts'
import { openSaga, PATIENCE_MS, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const CONTINUES = { continueAfterEvents: 10 }

/** Begins an order and brings it to where it may continue as another run. */
type Begin = (policy: Partial<SagaPolicy>) => Promise<WorkflowHandle>

async function hasContinued(handle: WorkflowHandle, from: string): Promise<void> {
  await expect.poll(async () => (await handle.describe()).runId, { timeout: PATIENCE_MS }).not.toBe(from)
}

/** The order's workflow, whichever run of it is the last. */
async function start(change: Partial<OrderInput>) {
  const { workflowId, firstExecutionRunId } = await saga.start(change)
  return { handle: saga.client.workflow.getHandle(workflowId), firstRun: firstExecutionRunId }
}

/** An order that was confirmed and may be amended. */
const confirmed: Begin = async (policy) => {
  const { handle, firstRun } = await start({ policy: { ...waiting({ amendmentSeconds: 600 }), ...policy } })
  await saga.reaches(handle, 'confirmed')
  if (policy.continueAfterEvents !== undefined) await hasContinued(handle, firstRun)
  return handle
}

/** An order that waited for its stock, and then for another card. */
const backordered: Begin = async (policy) => {
  const { reserveInventory } = saga.answers
  const short: StockAnswer = {
    outcome: 'backordered',
    shortages: [{ sku: 'MUG-WHITE', requested: 2, available: 0 }],
  }
  saga.answers.reserveInventory = async () => short
  saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
  const { handle, firstRun } = await start({
    onShortage: 'backorder',
    policy: { ...waiting(), ...policy },
  })
  await saga.reaches(handle, 'reserving', 'stock')
  await handle.signal('stockHeld', { orderId: 'o' })
  await saga.called('reserveInventory', 2)
  if (policy.continueAfterEvents !== undefined) await hasContinued(handle, firstRun)
  saga.answers.reserveInventory = reserveInventory
  await handle.signal('stockHeld', { orderId: 'o' })
  await saga.reaches(handle, 'awaiting_customer', 'payment_method')
  return handle
}

/** What undoes the order when its customer cancels it. */
async function undoes(begin: Begin, policy: Partial<SagaPolicy>): Promise<string[]> {
  calls.length = 0
  const handle = await begin(policy)
  await saga.update(handle, 'cancel', { by: 'customer', reason: null })
  await handle.result().catch(() => {})
  expect(calls.at(-1)).toBe('recordProgress:cancelled')
  return calls.slice(calls.indexOf('recordProgress:cancelling') + 1, -1)
}

describe('an order that is cancelled after it has continued as another run', () => {
  // a step that is forgotten where a run resumes is never undone
  it.each([
    ['confirmed', confirmed],
    ['waiting for stock', backordered],
  ])('when it was %s undoes all that the first run had begun', async (_when, begin) => {
    const inOneRun = await undoes(begin, {})
    expect(inOneRun.length).toBeGreaterThan(0)
    expect(await undoes(begin, CONTINUES)).toEqual(inOneRun)
  })
})
